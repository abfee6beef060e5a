/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every daemon does with the system around it: its state directory, signals, limits, and
 * telling systemd (sd_notify(3)) where there is one.  Errors are logged here, with the way out.
 */
#ifndef NET_DAEMON_H
#define NET_DAEMON_H

#include <ev.h>
#include <stdbool.h>

/*
 * Makes the directory (0700) unless it is there, and takes its lock, which a second daemon on the
 * same state is refused by; *lock stays open for the daemon's life.  0 or a negative error,
 * logged: ERR_EXISTS (another daemon has it), ERR_IO.
 */
int daemon_open_state(const char *directory, int *lock);

/* Raises the limit of open files as far as it goes, and forbids core files, which hold keys. */
void daemon_set_limits(void);

/* The log's level from TRUNKLINE_LOG (error, warn, info, debug), and the process' name in it. */
void daemon_start_log(const char *name);

struct daemon_signals {
	struct ev_loop *loop;
	/* SIGTERM or SIGINT: end in good order; at_once is true from the second one on. */
	void (*on_stop)(void *context, bool at_once);
	void *context;
	unsigned count;
	ev_signal terminate, interrupt;
};

/* SIGHUP and SIGPIPE are ignored from then on. */
void daemon_watch_signals(struct daemon_signals *signals, struct ev_loop *loop,
    void (*on_stop)(void *context, bool at_once), void *context);
void daemon_unwatch_signals(struct daemon_signals *signals);

/*
 * For systemd, nothing without it: READY once it serves, then the watchdog's beats; at the end
 * STOPPING and no more beats.  A watchdog is zeroed at the start.
 */
struct daemon_watchdog {
	struct ev_loop *loop;
	ev_timer beat;
};
void daemon_notify_ready(struct daemon_watchdog *watchdog, struct ev_loop *loop);
void daemon_notify_stopping(struct daemon_watchdog *watchdog);

#endif
