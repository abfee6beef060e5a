/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of trunkctl's commands: an HTTP server on a UNIX socket that gives the answer that the
 * test set and keeps what it was asked, and a session whose output goes to memory.
 */
#ifndef TESTS_UNIT_CLI_FIXTURE_H
#define TESTS_UNIT_CLI_FIXTURE_H

#include "cli/commands.h"
#include "cli/session.h"
#include "tests/unit/cmocka_all.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLI_TEXT_BYTES = 65536, CLI_WORDS_MAX = 32 };

static struct {
	char path[64], where[80];
	int listening;
	pthread_t thread;
	pthread_mutex_t lock;
	unsigned status, requests;
	char body[CLI_TEXT_BYTES];    /* of the answer */
	char request[CLI_TEXT_BYTES]; /* the last one, head and body */
	char etag[64];                /* of the answer, "" for none */
	bool is_silent;               /* takes requests and says nothing */
	unsigned change_status;       /* other than 0: what everything but GET is answered */
	const char *change_body;
	const char *events; /* what a stream of events begins with, NULL: it gets the body */
	int stream;         /* the descriptor of one that goes on, or -1 */
	unsigned drops;     /* so many requests are taken, and their answers lost */
} server = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct session session;
static char *printed; /* by the last command; valid until the next */
static size_t printed_length;

/* ---- the server ---- */

/* The head, and as many bytes behind it as it says. */
static bool cli_is_whole(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strstr(text, "Content-Length: ");

	if (!end)
		return false;
	return !length || strlen(end + 4) >= strtoul(length + 16, NULL, 10);
}

static void cli_answer(int peer)
{
	static char text[CLI_TEXT_BYTES], answer[CLI_TEXT_BYTES + 256];
	size_t length = 0;
	ssize_t n;

	do {
		n = recv(peer, text + length, sizeof text - 1 - length, 0);
		length += n > 0 ? (size_t)n : 0;
		text[length] = '\0';
	} while (n > 0 && !cli_is_whole(text));
	pthread_mutex_lock(&server.lock);
	memcpy(server.request, text, length + 1);
	server.requests++;
	bool is_silent = server.is_silent, is_dropped = server.drops > 0;
	bool is_change = server.change_status != 0 && strncmp(text, "GET ", 4) != 0;
	const char *body = is_change ? server.change_body : server.body;
	server.drops -= is_dropped;
	int size = snprintf(answer, sizeof answer,
	    "HTTP/1.1 %u X\r\nContent-Type: application/json\r\nConnection: close\r\n"
	    "%s%s%sContent-Length: %zu\r\n\r\n%s",
	    is_change ? server.change_status : server.status, server.etag[0] ? "ETag: " : "",
	    server.etag, server.etag[0] ? "\r\n" : "", strlen(body), body);
	bool is_stream = server.events && strncmp(text, "GET /v1/events", 14) == 0;
	if (is_stream) {
		dprintf(peer, "HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\n\r\n%s",
		    server.events);
		server.stream = dup(peer);
	}
	pthread_mutex_unlock(&server.lock);
	if (is_dropped || is_stream)
		return;
	if (is_silent)
		while (recv(peer, text, sizeof text, 0) > 0)
			;
	else if (send(peer, answer, (size_t)size, MSG_NOSIGNAL) < 0)
		return;
}

static void *cli_serve(void *context)
{
	int peer;

	(void)context;
	while ((peer = accept(server.listening, NULL, NULL)) >= 0) {
		cli_answer(peer);
		close(peer);
	}
	return NULL;
}

/* What is answered from now on. */
static inline void cli_set(unsigned status, const char *body)
{
	pthread_mutex_lock(&server.lock);
	server.status = status;
	snprintf(server.body, sizeof server.body, "%s", body);
	server.request[0] = '\0';
	pthread_mutex_unlock(&server.lock);
}

/* What GET and what all other requests are answered from now on. */
static inline void cli_set_change(
    unsigned status, const char *body, unsigned change_status, const char *change_body)
{
	cli_set(status, body);
	pthread_mutex_lock(&server.lock);
	server.change_status = change_status;
	server.change_body = change_body;
	pthread_mutex_unlock(&server.lock);
}

static inline bool cli_was_asked(const char *text)
{
	pthread_mutex_lock(&server.lock);
	bool was = strstr(server.request, text) != NULL;
	pthread_mutex_unlock(&server.lock);
	return was;
}

static inline unsigned cli_requests(void)
{
	pthread_mutex_lock(&server.lock);
	unsigned requests = server.requests;
	pthread_mutex_unlock(&server.lock);
	return requests;
}

/* In a thread beside the command: until control was asked so often; the answer to that one is chosen. */
static inline void cli_wait_requests(unsigned requests)
{
	for (int i = 0; i < 6000 && cli_requests() < requests; i++)
		usleep(10000);
}

/* An event for who listens. */
static inline void cli_tell(const char *event)
{
	pthread_mutex_lock(&server.lock);
	dprintf(server.stream, "%s", event);
	pthread_mutex_unlock(&server.lock);
}

/* ---- a session ---- */

static inline int cli_setup(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char error[CLIENT_ERROR_BYTES];

	(void)state;
	snprintf(server.path, sizeof server.path, "/tmp/trunkctl-test.%d", getpid());
	snprintf(server.where, sizeof server.where, "unix:%s", server.path);
	server.requests = 0;
	server.is_silent = false;
	server.drops = server.change_status = 0;
	server.events = NULL;
	server.stream = -1;
	server.etag[0] = '\0';
	cli_set(200, "{}");
	strcpy(address.sun_path, server.path);
	unlink(server.path);
	server.listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.listening, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(server.listening, 8), 0);
	assert_int_equal(pthread_create(&server.thread, NULL, cli_serve, NULL), 0);
	memset(&session, 0, sizeof session);
	session.client = client_open(&(struct target){.where = server.where}, error);
	assert_non_null(session.client);
	setenv("TZ", "UTC", 1);
	return 0;
}

static inline int cli_teardown(void **state)
{
	(void)state;
	shutdown(server.listening, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listening);
	if (server.stream >= 0)
		close(server.stream);
	unlink(server.path);
	client_close(session.client);
	free(printed);
	printed = NULL;
	return 0;
}

static inline void cli_open_output(void)
{
	free(printed);
	session.out = open_memstream(&printed, &printed_length);
	assert_non_null(session.out);
}

/* Runs a whole command line, single spaces between the words; its exit code. */
static inline int cli_run_to(FILE *out, const char *line)
{
	static char program[] = "trunkctl", copy[4096];
	static struct invocation invocation;
	char *words[CLI_WORDS_MAX] = {program}, error[COMMAND_ERROR_BYTES];
	int count = 1;

	snprintf(copy, sizeof copy, "%s", line);
	for (char *w = strtok(copy, " "); w && count < CLI_WORDS_MAX; w = strtok(NULL, " "))
		words[count++] = w;
	if (!command_parse(&trunkctl_commands, count, words, &invocation, error))
		fail_msg("%s: %s", line, error);
	session.invocation = &invocation;
	session.out = out;
	return invocation.command->run(&session, &invocation);
}

static inline int cli_run(const char *line)
{
	cli_open_output();
	int code = cli_run_to(session.out, line);
	fclose(session.out);
	return code;
}

/* A wrong word is found before control is asked. */
static inline void cli_assert_usage(const char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(cli_run(lines[i]), EXIT_USAGE);
	assert_int_equal(cli_requests(), 0);
}

static inline void cli_assert_printed(const char *wanted)
{
	assert_string_equal(printed, wanted);
}

#define CLI_TEST(f) cmocka_unit_test_setup_teardown(f, cli_setup, cli_teardown)

#endif
