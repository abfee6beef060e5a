/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon and the system around it; see net/daemon.h.
 */
#include "config.h"

#include "net/daemon.h"

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define US_PER_S 1e6

enum { STATE_MODE = 0700, LOCK_MODE = 0600 };

/* ---- state ---- */

/* Takes the lock, or says who has it. */
static int take_lock(const char *directory, int lock)
{
	char owner[16] = "";
	char text[16];
	ssize_t n;

	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		n = pread(lock, owner, sizeof(owner) - 1, 0);
		log_error("state_in_use",
		    "state=%s pid=%d fix=\"stop the other daemon or use another --state\"",
		    directory, n > 0 ? atoi(owner) : 0);
		return ERR_EXISTS;
	}
	/* For people who look: the lock is what counts. */
	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(lock, 0) < 0 || pwrite(lock, text, strlen(text), 0) < 0)
		log_warn("lock_not_written", "state=%s error=\"%s\"", directory, strerror(errno));
	return 0;
}

int daemon_open_state(const char *directory, int *lock)
{
	char path[PATH_MAX];
	int result = file_make_directory(directory, STATE_MODE);

	*lock = -1;
	if (result == 0 && snprintf(path, sizeof(path), "%s/lock", directory) < (int)sizeof(path))
		*lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);
	if (*lock < 0) {
		log_error("state_not_usable", "state=%s error=\"%s\"", directory, strerror(errno));
		return ERR_IO;
	}
	result = take_lock(directory, *lock);
	if (result < 0) {
		close(*lock);
		*lock = -1;
	}
	return result;
}

/* ---- limits and log ---- */

void daemon_set_limits(void)
{
	struct rlimit files, none = {0, 0};

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	setrlimit(RLIMIT_CORE, &none);
}

void daemon_start_log(const char *name)
{
	const char *text = getenv("TRUNKLINE_LOG");
	enum log_level level;

	log_set_name(name);
	if (!text)
		return;
	if (log_level_parse(text, &level) == 0)
		log_set_level(level);
	else
		log_warn(
		    "unknown_log_level", "fix=\"TRUNKLINE_LOG is error, warn, info or debug\"");
}

/* ---- signals ---- */

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
	struct daemon_signals *signals = watcher->data;

	(void)loop;
	(void)events;
	signals->count++;
	signals->on_stop(signals->context, signals->count > 1);
}

void daemon_watch_signals(struct daemon_signals *signals, struct ev_loop *loop,
    void (*on_stop)(void *context, bool at_once), void *context)
{
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	memset(signals, 0, sizeof(*signals));
	signals->loop = loop;
	signals->on_stop = on_stop;
	signals->context = context;
	ev_signal_init(&signals->terminate, on_signal, SIGTERM);
	ev_signal_init(&signals->interrupt, on_signal, SIGINT);
	signals->terminate.data = signals;
	signals->interrupt.data = signals;
	ev_signal_start(loop, &signals->terminate);
	ev_signal_start(loop, &signals->interrupt);
	/* They do not keep the loop alive. */
	ev_unref(loop);
	ev_unref(loop);
}

void daemon_unwatch_signals(struct daemon_signals *signals)
{
	if (!signals->loop)
		return;
	ev_ref(signals->loop);
	ev_ref(signals->loop);
	ev_signal_stop(signals->loop, &signals->terminate);
	ev_signal_stop(signals->loop, &signals->interrupt);
	signals->loop = NULL;
}

/* ---- systemd ---- */

static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

static void on_beat(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	notify("WATCHDOG=1");
}

/* Half the time that systemd waits, in seconds; 0 when it does not watch. */
static double beat_interval_s(void)
{
	uint64_t interval_us = 0;

#ifdef HAVE_SYSTEMD
	if (sd_watchdog_enabled(0, &interval_us) <= 0)
		return 0;
#endif
	return (double)interval_us / US_PER_S / 2;
}

void daemon_notify_ready(struct daemon_watchdog *watchdog, struct ev_loop *loop)
{
	double interval_s = beat_interval_s();

	watchdog->loop = loop;
	ev_timer_init(&watchdog->beat, on_beat, interval_s, interval_s);
	if (interval_s > 0) {
		ev_timer_start(loop, &watchdog->beat);
		ev_unref(loop);
	}
	notify("READY=1");
}

void daemon_notify_stopping(struct daemon_watchdog *watchdog)
{
	notify("STOPPING=1");
	if (!watchdog->loop)
		return;
	if (ev_is_active(&watchdog->beat)) {
		ev_ref(watchdog->loop);
		ev_timer_stop(watchdog->loop, &watchdog->beat);
	}
	watchdog->loop = NULL;
}
