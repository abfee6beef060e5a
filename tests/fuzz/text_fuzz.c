/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people and files write as one word: addresses, ports, sizes, durations, pins, names, backends, join tokens.
 * What is taken, written out again, is taken as the same.
 */
#include "config.h"

#include "base/addr.h"
#include "base/encoding.h"
#include "base/pin.h"
#include "base/size_text.h"
#include "base/utf8.h"
#include "cli/value.h"
#include "model/join_token.h"
#include "model/name.h"
#include "net/options.h"
#include "tests/fuzz/require.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES_MAX = 2000, RANGES_MAX = 16 };

static void check_addr(const char *text)
{
	char written[ADDR_TEXT_BYTES];
	struct addr addr, again;

	if (addr_parse(text, 7, &addr) < 0)
		return;
	require(addr.family == 4 || addr.family == 6);
	addr_format(&addr, written, sizeof(written));
	require(addr_parse(written, 0, &again) == 0 && addr_equal(&addr, &again));
}

static void check_ports(const char *text)
{
	struct port_range ranges[RANGES_MAX], again[RANGES_MAX];
	char written[RANGES_MAX * 12];
	size_t count, count_again;
	uint16_t port;

	require(port_parse(text, false, &port) != 0 || port > 0);
	if (port_ranges_parse(text, ranges, RANGES_MAX, &count) != 0)
		return;
	for (size_t i = 0; i < count; i++) {
		require(ranges[i].first >= 1 && ranges[i].first <= ranges[i].last);
		require(i == 0 || ranges[i].first > ranges[i - 1].last);
	}
	require(port_ranges_format(ranges, count, written, sizeof(written)) == 0);
	require(port_ranges_parse(written, again, RANGES_MAX, &count_again) == 0);
	require(count == count_again && memcmp(ranges, again, count * sizeof(*ranges)) == 0);
}

static void check_host(const char *text)
{
	char host[ADDR_HOST_BYTES];
	uint16_t port;

	if (host_port_split(text, host, sizeof(host), &port) == 0)
		require(host[0] && strlen(host) < sizeof(host) && !strpbrk(host, " []/\n"));
}

static void check_bytes(const char *text, size_t length)
{
	uint8_t bytes[TEXT_BYTES_MAX], pin[PIN_BYTES];
	char written[BASE64_TEXT_BYTES(TEXT_BYTES_MAX)];
	uint64_t number;
	size_t n;

	size_parse(text, &number);
	require(hex_decode(text, length, bytes, sizeof(bytes), &n) != 0 || 2 * n == length);
	if (base64_decode(text, length, bytes, sizeof(bytes), &n) == 0)
		require(strcmp(base64_encode(bytes, n, written), text) == 0);
	if (pin_parse(text, pin) == 0)
		require(strcmp(pin_format(pin, written), text) == 0);
}

/* Whatever is wrong gets a line that says it. */
static void check_said(bool is_good, const char *error)
{
	require(is_good || (error[0] && strlen(error) < VALUE_ERROR_BYTES));
}

static void check_values(const char *text)
{
	struct backend_value backend;
	char error[VALUE_ERROR_BYTES] = "";
	json_t *list = NULL;
	long number;
	bool is_good;

	is_good = value_name("name", text, error);
	check_said(is_good, error);
	require(is_good == name_is_valid(text));
	is_good = value_duration("ttl", text, 1, 3600, &number, error);
	check_said(is_good, error);
	require(!is_good || (number >= 1 && number <= 3600));
	is_good = value_number("weight", text, -5, 1000, &number, error);
	check_said(is_good, error);
	require(!is_good || (number >= -5 && number <= 1000));
	check_said(value_congestion("congestion", text, error), error);
	check_said(value_backend("backend", text, &backend, error), error);
	check_said(value_backend_name("backend", text, &backend, error), error);
	check_said(value_backend_weight("backend", text, &backend, error), error);
	is_good = value_ports("ports", text, &list, error);
	check_said(is_good, error);
	require(!is_good || json_array_size(list) > 0);
	if (is_good)
		json_decref(list);
	is_good = value_regions("listen", text, &list, error);
	check_said(is_good, error);
	if (is_good)
		json_decref(list);
}

/* Whole afterwards, never longer, and as it was when it was whole. */
static void check_utf8(const char *text)
{
	char *mended = utf8_mend(strdup(text));
	json_t *before = json_string(text), *after = json_string(mended);

	require(after && strlen(mended) <= strlen(text));
	require(!before || strcmp(mended, text) == 0);
	json_decref(before);
	json_decref(after);
	free(mended);
}

static void check_options(const char *text)
{
	options_check_address(text);
	options_check_address_port(text);
	options_check_address_only(text);
	options_check_size(text);
}

static void check_token(const char *text)
{
	char written[JOIN_TOKEN_TEXT_BYTES];
	struct join_token token, again;

	if (join_token_parse(text, &token) < 0)
		return;
	require(join_token_format(&token, written) == 0);
	require(join_token_parse(written, &again) == 0);
	require(memcmp(&token, &again, sizeof(token)) == 0);
}

/* The input as the inside of a token whose checksum is right. */
static void check_token_inside(const uint8_t *data, size_t size)
{
	uint8_t binary[JOIN_TOKEN_TEXT_BYTES], digest[crypto_generichash_BYTES_MIN];
	char text[sizeof(JOIN_TOKEN_PREFIX) + BASE64_TEXT_BYTES(sizeof(binary))] =
	    JOIN_TOKEN_PREFIX;

	if (size > sizeof(binary) - 4)
		return;
	memcpy(binary, data, size);
	crypto_generichash(digest, sizeof(digest), data, size, NULL, 0);
	memcpy(binary + size, digest, 4);
	base64_encode(binary, size + 4, text + strlen(JOIN_TOKEN_PREFIX));
	check_token(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text; /* exactly as large, so that ASan sees one byte more */

	if (size > TEXT_BYTES_MAX || sodium_init() < 0)
		return 0;
	text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	check_addr(text);
	check_ports(text);
	check_host(text);
	check_bytes(text, strlen(text));
	check_values(text);
	check_utf8(text);
	check_options(text);
	check_token(text);
	check_token_inside(data, size);
	free(text);
	return 0;
}
