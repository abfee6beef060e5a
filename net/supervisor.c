/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting, joining and restarting the children of a daemon; see net/supervisor.h.
 */
#include "config.h"

#include "net/supervisor.h"

#include "base/err.h"
#include "base/log.h"
#include "model/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds, as libev counts. */
#define RESTART_FIRST_S 0.1
#define RESTART_LAST_S  5.0
#define STEADY_S        10.0 /* who lived this long starts again at RESTART_FIRST_S */
#define STOP_S          2.0

enum { EXIT_NO_EXEC = 127, TITLE_BYTES = 64, INDEX_BYTES = 12 };

/* pid is 0 and channel NULL while it is down; restart then runs. */
struct process {
	struct supervisor *supervisor;
	enum process_role role;
	unsigned index;
	pid_t pid;
	struct ipc *channel;
	struct ipc_rule *rules; /* the owner's and ours */
	size_t rule_count;
	bool is_ready;
	unsigned restarts;
	double restart_delay_s, started_s;
	ev_child death;
	ev_timer restart;
};

struct supervisor {
	struct supervisor_config config;
	struct process *processes; /* keys, then the workers, then health */
	size_t count;
	char **arguments; /* of a child; the first, third and fifth are filled in for each */
	bool is_stopping;
	ev_timer stop_timer;
};

/* What comes before the daemon's own arguments. */
enum { ARGUMENT_NAME = 0, ARGUMENT_ROLE = 2, ARGUMENT_INDEX = 4, ARGUMENT_OWN = 6 };

static void start(struct process *process);

/* ---- one child ---- */

/* In the forked child: only calls that are safe after fork. */
static void __attribute__((noreturn)) become_child(int channel, pid_t parent, char **arguments)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (channel == PROCESS_CHANNEL_DESCRIPTOR)
		fcntl(channel, F_SETFD, 0);
	else if (dup2(channel, PROCESS_CHANNEL_DESCRIPTOR) < 0)
		_exit(EXIT_NO_EXEC);
	/* Everything of ours is close-on-exec; this covers what a library forgot. */
	close_range(PROCESS_CHANNEL_DESCRIPTOR + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_NO_EXEC);
	execv("/proc/self/exe", arguments);
	_exit(EXIT_NO_EXEC);
}

static pid_t spawn(struct process *process, int channel)
{
	char name[TITLE_BYTES], index[INDEX_BYTES];
	char **arguments = process->supervisor->arguments;
	const char *role = process_role_name(process->role);
	pid_t parent = getpid(), pid;

	if (process->role == PROCESS_WORKER)
		snprintf(name, sizeof(name), "%s: %s %u", process->supervisor->config.program, role,
		    process->index);
	else
		snprintf(name, sizeof(name), "%s: %s", process->supervisor->config.program, role);
	snprintf(index, sizeof(index), "%u", process->index);
	arguments[ARGUMENT_NAME] = name;
	arguments[ARGUMENT_ROLE] = (char *)role;
	arguments[ARGUMENT_INDEX] = index;
	pid = fork();
	if (pid == 0)
		become_child(channel, parent, arguments);
	return pid;
}

static void restart_later(struct process *process)
{
	struct ev_loop *loop = process->supervisor->config.loop;

	if (process->supervisor->is_stopping)
		return;
	ev_timer_set(&process->restart, process->restart_delay_s, 0.);
	ev_timer_start(loop, &process->restart);
	process->restart_delay_s *= 2;
	if (process->restart_delay_s > RESTART_LAST_S)
		process->restart_delay_s = RESTART_LAST_S;
}

static void on_restart(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct process *process = timer->data;

	(void)loop;
	(void)events;
	process->restarts++;
	start(process);
}

static void drop_channel(struct process *process)
{
	struct ipc *channel = process->channel;

	process->channel = NULL;
	process->is_ready = false;
	ipc_free(channel);
}

static void check_stopped(struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->count; i++)
		if (supervisor->processes[i].pid)
			return;
	ev_timer_stop(supervisor->config.loop, &supervisor->stop_timer);
	supervisor->config.callbacks->on_stopped(supervisor->config.context);
}

static void log_death(const struct process *process, int status)
{
	const char *what = WIFSIGNALED(status) ? "signal" : "status";
	int value = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);

	log_write(process->supervisor->is_stopping ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN,
	    "process_died", "role=%s index=%u pid=%d %s=%d", process_role_name(process->role),
	    process->index, (int)process->pid, what, value);
	if (WIFSIGNALED(status) && value == SIGSYS)
		log_error("sandbox_killed", "role=%s fix=\"%s\"", process_role_name(process->role),
		    "the kernel's log has the system call; TRUNKLINE_SANDBOX=log lets it pass");
}

static void on_death(struct ev_loop *loop, ev_child *watcher, int events)
{
	struct process *process = watcher->data;
	struct supervisor *supervisor = process->supervisor;

	(void)events;
	ev_child_stop(loop, watcher);
	log_death(process, watcher->rstatus);
	process->pid = 0;
	drop_channel(process);
	if (ev_now(loop) - process->started_s > STEADY_S)
		process->restart_delay_s = RESTART_FIRST_S;
	restart_later(process);
	if (supervisor->config.callbacks->on_died)
		supervisor->config.callbacks->on_died(
		    supervisor->config.context, process, watcher->rstatus);
	if (supervisor->is_stopping)
		check_stopped(supervisor);
}

/* The end of the channel comes with the child's own, or it broke the rules: then it goes. */
static void on_closed(struct ipc *ipc, void *context, int reason)
{
	struct process *process = context;

	(void)ipc;
	if (reason != ERR_CLOSED)
		log_error("process_broke_rules", "role=%s index=%u pid=%d error=\"%s\"",
		    process_role_name(process->role), process->index, (int)process->pid,
		    err_text(reason));
	drop_channel(process);
	process_kill(process);
}

static void on_drained(struct ipc *ipc, void *context)
{
	struct process *process = context;
	const struct supervisor_config *config = &process->supervisor->config;

	(void)ipc;
	if (config->callbacks->on_drained)
		config->callbacks->on_drained(config->context, process);
}

static int on_ready(struct ipc *ipc, void *context, struct ipc_message *message)
{
	struct process *process = context;
	const struct supervisor_config *config = &process->supervisor->config;

	(void)ipc;
	(void)message;
	process->is_ready = true;
	if (config->callbacks->on_ready)
		config->callbacks->on_ready(config->context, process);
	return 0;
}

static const struct ipc_callbacks channel_callbacks = {on_closed, on_drained};

/* Makes the channel and the child; 0 or a negative error with nothing left behind. */
static int start_child(struct process *process)
{
	const struct supervisor_config *config = &process->supervisor->config;
	int pair[2];
	int result = ipc_pair(pair);

	if (result < 0)
		return result;
	process->pid = spawn(process, pair[1]);
	close(pair[1]);
	if (process->pid < 0) {
		process->pid = 0;
		close(pair[0]);
		return ERR_IO;
	}
	process->started_s = ev_now(config->loop);
	ev_child_set(&process->death, process->pid, 0);
	ev_child_start(config->loop, &process->death);
	result = ipc_new(&process->channel, config->loop, pair[0], process->rules,
	    process->rule_count, &channel_callbacks, process);
	if (result < 0)
		process_kill(process); /* on_death tries again */
	return 0;
}

/* ---- channels between keys and the workers ---- */

static void send_peer(struct process *to, const struct process *peer, int descriptor)
{
	struct process_peer payload = {.role = peer->role, .index = peer->index};
	int result = ipc_send_descriptors(
	    to->channel, PROCESS_MESSAGE_PEER, &payload, sizeof(payload), &descriptor, 1);

	/* ERR_CLOSED: it died and will be joined when it is back. */
	if (result < 0 && result != ERR_CLOSED)
		process_kill(to);
}

static void join(struct process *keys, struct process *worker)
{
	int pair[2];

	if (!keys->channel || !worker->channel)
		return;
	if (ipc_pair(pair) < 0) {
		process_kill(worker);
		return;
	}
	send_peer(keys, worker, pair[0]);
	send_peer(worker, keys, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

static void join_all(struct process *process)
{
	struct supervisor *supervisor = process->supervisor;
	struct process *keys = &supervisor->processes[0];

	if (process->role == PROCESS_WORKER)
		join(keys, process);
	for (size_t i = 1; process == keys && i <= supervisor->config.workers; i++)
		join(keys, &supervisor->processes[i]);
}

static void start(struct process *process)
{
	const struct supervisor_config *config = &process->supervisor->config;

	if (start_child(process) < 0) {
		log_error("process_not_started", "role=%s index=%u errno=%d",
		    process_role_name(process->role), process->index, errno);
		restart_later(process);
		return;
	}
	if (!process->channel)
		return;
	log_debug("process_started", "role=%s index=%u pid=%d", process_role_name(process->role),
	    process->index, (int)process->pid);
	config->callbacks->on_started(config->context, process);
	join_all(process);
}

/* ---- all of them ---- */

static int make_arguments(struct supervisor *supervisor)
{
	const char *const *own = supervisor->config.arguments;
	size_t own_count = 0;

	while (own && own[own_count])
		own_count++;
	supervisor->arguments = calloc(ARGUMENT_OWN + own_count + 1, sizeof(char *));
	if (!supervisor->arguments)
		return ERR_NOMEM;
	supervisor->arguments[ARGUMENT_ROLE - 1] = (char *)"--role";
	supervisor->arguments[ARGUMENT_INDEX - 1] = (char *)"--index";
	supervisor->arguments[ARGUMENT_OWN - 1] = (char *)"--";
	for (size_t i = 0; i < own_count; i++)
		supervisor->arguments[ARGUMENT_OWN + i] = (char *)own[i];
	return 0;
}

static size_t process_total(const struct supervisor_config *config)
{
	return 1 + config->workers + (config->has_health ? 1 : 0);
}

static enum process_role role_of(const struct supervisor_config *config, size_t number)
{
	if (number == 0)
		return PROCESS_KEYS;
	return number <= config->workers ? PROCESS_WORKER : PROCESS_HEALTH;
}

static const struct ipc_rule *rules_of(
    const struct supervisor_config *config, enum process_role role, size_t *count)
{
	if (role == PROCESS_HEALTH) {
		*count = config->health_rule_count;
		return config->health_rules;
	}
	*count = role == PROCESS_KEYS ? config->keys_rule_count : config->worker_rule_count;
	return role == PROCESS_KEYS ? config->keys_rules : config->worker_rules;
}

static int process_init(struct process *process, struct supervisor *supervisor, size_t number)
{
	const struct supervisor_config *config = &supervisor->config;
	enum process_role role = role_of(config, number);
	size_t count;
	const struct ipc_rule *rules = rules_of(config, role, &count);

	process->supervisor = supervisor;
	process->role = role;
	process->index = role == PROCESS_WORKER ? (unsigned)number - 1 : 0;
	process->restart_delay_s = RESTART_FIRST_S;
	process->rules = calloc(count + 1, sizeof(*rules));
	if (!process->rules)
		return ERR_NOMEM;
	if (count)
		memcpy(process->rules, rules, count * sizeof(*rules));
	process->rules[count] = (struct ipc_rule){PROCESS_MESSAGE_READY, 0, 0, 0, 0, on_ready};
	process->rule_count = count + 1;
	ev_init(&process->death, on_death);
	process->death.data = process;
	ev_init(&process->restart, on_restart);
	process->restart.data = process;
	return 0;
}

static void on_stop_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct supervisor *supervisor = timer->data;

	(void)loop;
	(void)events;
	for (size_t i = 0; i < supervisor->count; i++)
		process_kill(&supervisor->processes[i]);
	check_stopped(supervisor);
}

int supervisor_new(struct supervisor **out, const struct supervisor_config *config)
{
	struct supervisor *supervisor;

	*out = NULL;
	if (config->workers > SLOTS_MAX || !ev_is_default_loop(config->loop))
		return ERR_INVALID;
	supervisor = calloc(1, sizeof(*supervisor));
	if (!supervisor)
		return ERR_NOMEM;
	supervisor->config = *config;
	supervisor->processes = calloc(process_total(config), sizeof(struct process));
	if (!supervisor->processes || make_arguments(supervisor) < 0)
		goto failed;
	for (; supervisor->count < process_total(config); supervisor->count++)
		if (process_init(
		        &supervisor->processes[supervisor->count], supervisor, supervisor->count)
		    < 0)
			goto failed;
	ev_timer_init(&supervisor->stop_timer, on_stop_timer, STOP_S, STOP_S);
	supervisor->stop_timer.data = supervisor;
	*out = supervisor; /* before the callbacks that may ask for it */
	for (size_t i = 0; i < supervisor->count; i++)
		start(&supervisor->processes[i]);
	return 0;
failed:
	supervisor_free(supervisor);
	return ERR_NOMEM;
}

void supervisor_stop(struct supervisor *supervisor)
{
	bool any = false;

	supervisor->is_stopping = true;
	for (size_t i = 0; i < supervisor->count; i++) {
		struct process *process = &supervisor->processes[i];

		ev_timer_stop(supervisor->config.loop, &process->restart);
		if (process->channel)
			drop_channel(process);
		any = any || process->pid;
	}
	/* With nobody left the timer calls on_stopped at once, but not from within this call. */
	ev_timer_set(&supervisor->stop_timer, any ? STOP_S : 0., STOP_S);
	ev_timer_start(supervisor->config.loop, &supervisor->stop_timer);
}

static void process_destroy(struct process *process)
{
	struct ev_loop *loop = process->supervisor->config.loop;

	ev_timer_stop(loop, &process->restart);
	ev_child_stop(loop, &process->death);
	ipc_free(process->channel);
	if (process->pid) {
		kill(process->pid, SIGKILL);
		waitpid(process->pid, NULL, 0);
	}
	free(process->rules);
}

void supervisor_free(struct supervisor *supervisor)
{
	if (!supervisor)
		return;
	for (size_t i = 0; i < supervisor->count; i++)
		process_destroy(&supervisor->processes[i]);
	if (ev_is_active(&supervisor->stop_timer))
		ev_timer_stop(supervisor->config.loop, &supervisor->stop_timer);
	free(supervisor->processes);
	free(supervisor->arguments);
	free(supervisor);
}

struct process *supervisor_process(
    struct supervisor *supervisor, enum process_role role, unsigned index)
{
	for (size_t i = 0; i < supervisor->count; i++) {
		struct process *process = &supervisor->processes[i];

		if (process->role == role && process->index == index)
			return process;
	}
	return NULL;
}

bool supervisor_is_ready(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->count; i++)
		if (!supervisor->processes[i].is_ready)
			return false;
	return true;
}

struct ipc *process_channel(const struct process *process)
{
	return process->channel;
}

enum process_role process_role(const struct process *process)
{
	return process->role;
}

unsigned process_index(const struct process *process)
{
	return process->index;
}

bool process_is_ready(const struct process *process)
{
	return process->is_ready;
}

pid_t process_pid(const struct process *process)
{
	return process->pid;
}

unsigned process_restarts(const struct process *process)
{
	return process->restarts;
}

void *process_context(const struct process *process)
{
	return process->supervisor->config.context;
}

void process_kill(struct process *process)
{
	if (process->pid)
		kill(process->pid, SIGKILL);
}
