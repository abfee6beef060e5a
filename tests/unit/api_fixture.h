/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of control/api*.c: the API on a real UNIX socket over a real store, asked by HTTP, with
 * listeners in tokyo and endpoints in oslo that are not connected.
 */
#ifndef TESTS_UNIT_API_FIXTURE_H
#define TESTS_UNIT_API_FIXTURE_H

#include "base/keyed_hash.h"
#include "control/api.h"
#include "tests/support/rounds.h"
#include "tests/unit/control_fixture.h"

#include <jansson.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { API_ANSWER_BYTES = 1 << 20, API_REQUEST_BYTES = 1 << 16 };

static char api_directory[] = "/tmp/trunkline-api-XXXXXX";
static char api_path[64];
static struct api *api;

/* The last answer; json goes with the next one. */
static struct {
	unsigned status;
	char bytes[API_ANSWER_BYTES + 1];
	json_t *json;
} answer;

static int api_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, api_path);
	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
	return descriptor;
}

/* Reads up to the end of the connection, or a byte more than is to be expected. */
static void api_read(int descriptor)
{
	size_t length = 0;
	ssize_t n = -1;
	const char *body;

	for (int i = 0; i < 5000 && n != 0 && length < API_ANSWER_BYTES; i++) {
		rounds_one(control.loop);
		n = recv(
		    descriptor, answer.bytes + length, API_ANSWER_BYTES - length, MSG_DONTWAIT);
		length += n > 0 ? (size_t)n : 0;
	}
	answer.bytes[length] = '\0';
	assert_int_equal(n, 0);
	assert_int_equal(sscanf(answer.bytes, "HTTP/1.1 %u", &answer.status), 1);
	body = strstr(answer.bytes, "\r\n\r\n");
	assert_non_null(body);
	json_decref(answer.json);
	answer.json = json_loads(body, 0, NULL);
}

/* Whole bytes of a request that asks for the connection's end; the status. */
static inline unsigned api_say(const char *bytes, size_t length)
{
	int descriptor = api_connect();
	size_t sent = 0;
	ssize_t n;

	while (sent < length) {
		n = send(descriptor, bytes + sent, length - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		rounds_one(control.loop);
	}
	api_read(descriptor);
	close(descriptor);
	return answer.status;
}

/* `header` is "" or ends in "\r\n". */
static inline unsigned api_ask(
    const char *method, const char *path, const char *header, const char *body)
{
	static char bytes[API_REQUEST_BYTES];
	int length = snprintf(bytes, sizeof bytes,
	    "%s %s HTTP/1.1\r\nHost: control\r\nConnection: close\r\n%sContent-Length: "
	    "%zu\r\n\r\n%s",
	    method, path, header, strlen(body), body);

	assert_true(length < (int)sizeof bytes);
	return api_say(bytes, (size_t)length);
}

static inline unsigned api_get(const char *path)
{
	return api_ask("GET", path, "", "");
}

/* A value of the last answer by keys and indices: "items", 0, "name" is "items/0/name". */
static inline const json_t *api_at(const char *path)
{
	const json_t *at = answer.json;
	char part[64];

	while (at && *path) {
		size_t length = strcspn(path, "/");

		snprintf(part, sizeof part, "%.*s", (int)length, path);
		at = json_is_array(at) ? json_array_get(at, strtoul(part, NULL, 10))
		                       : json_object_get(at, part);
		path += length + (path[length] == '/');
	}
	return at;
}

static inline const char *api_text(const char *path)
{
	const char *text = json_string_value(api_at(path));

	return text ? text : "(none)";
}

static inline long long api_number(const char *path)
{
	assert_true(json_is_integer(api_at(path)));
	return json_integer_value(api_at(path));
}

/* Is there a header line that begins so? */
static inline bool api_has_header(const char *line)
{
	const char *end = strstr(answer.bytes, "\r\n\r\n");
	const char *found = strstr(answer.bytes, line);

	return found && found < end && found[-1] == '\n';
}

static inline int api_setup(void **state)
{
	(void)state;
	strcpy(api_directory + strlen(api_directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(api_directory));
	snprintf(api_path, sizeof api_path, "%s/socket", api_directory);
	control_begin(api_directory);
	control_add_node("osl-1", NODE_ENDPOINT, "oslo", 1);
	control_add_node("tyo-1", NODE_LISTENER, "tokyo", 2);
	assert_int_equal(
	    api_start(&api, &control, &(struct api_config){.socket_path = api_path}), 0);
	return 0;
}

static inline int api_teardown(void **state)
{
	(void)state;
	json_decref(answer.json);
	answer.json = NULL;
	api_stop(api);
	control_end();
	rmdir(api_directory);
	return 0;
}

#define API_TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, api_teardown)

static inline int api_init(void)
{
	return sodium_init() < 0 ? -1 : keyed_hash_init();
}

#endif
