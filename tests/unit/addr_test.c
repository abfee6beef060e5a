/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses, hosts and port ranges: what is taken, what is refused, and that text comes back.
 */
#include "base/addr.h"

#include <netinet/in.h>
#include <string.h>

#include "base/err.h"
#include "tests/unit/cmocka_all.h"

static void addresses_come_back_as_text(void **state)
{
	static const char *const cases[][2] = {
	    {"1.2.3.4:80", "1.2.3.4:80"},
	    {"1.2.3.4", "1.2.3.4:7"},
	    {"[::1]:80", "[::1]:80"},
	    {"[::1]", "[::1]:7"},
	    {"::1", "[::1]:7"},
	    {"2001:DB8:0::9", "[2001:db8::9]:7"},
	    {"[::ffff:1.2.3.4]:5", "1.2.3.4:5"},
	    {"0.0.0.0:0", "0.0.0.0:0"},
	};
	char buf[ADDR_TEXT_BYTES];
	struct addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(addr_parse(cases[i][0], 7, &addr), 0);
		assert_string_equal(addr_format(&addr, buf, sizeof(buf)), cases[i][1]);
	}
	memset(&addr, 0, sizeof(addr));
	assert_string_equal(addr_format(&addr, buf, sizeof(buf)), "none");
}

static void wrong_addresses_are_refused(void **state)
{
	static const char *const cases[] = {"", ":", ":80", "1.2.3", "1.2.3.4:", "1.2.3.4:65536",
	    "1.2.3.4:-1", "1.2.3.4: 80", "1.2.3.4:80x", "[1.2.3.4]:80", "[::1", "[::1]80", "[]:80",
	    "::1]:80", "host:80", "fe80::1%no-such-interface", "fe80::1%lo:1]0]", "fe80::1%0",
	    "1.2.3.4:000080", "1111:2222:3333:4444:5555:6666:7777:8888:9999",
	    "1111111111111111111111111111111111111111111111111111111111111111111111111"};
	struct addr addr, zero;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(addr_parse(cases[i], 7, &addr), ERR_MALFORMED);
		assert_memory_equal(&addr, &zero, sizeof(addr));
	}
}

static void sockaddrs_come_back(void **state)
{
	static const char *const cases[] = {
	    "1.2.3.4:80", "[2001:db8::1]:65535", "[fe80::1%lo]:1", "[fe80::1%7]:1"};
	struct sockaddr_storage storage;
	struct addr addr, back;
	socklen_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(addr_parse(cases[i], 0, &addr), 0);
		length = addr_to_sockaddr(&addr, &storage);
		assert_int_equal(addr_from_sockaddr(&back, (struct sockaddr *)&storage, length), 0);
		assert_memory_equal(&addr, &back, sizeof(addr));
		length = addr_to_sockaddr_mapped(&addr, &storage);
		assert_int_equal(length, sizeof(struct sockaddr_in6));
		assert_int_equal(addr_from_sockaddr(&back, (struct sockaddr *)&storage, length), 0);
		assert_memory_equal(&addr, &back, sizeof(addr));
		assert_int_equal(
		    addr_from_sockaddr(&back, (struct sockaddr *)&storage, 8), ERR_TRUNCATED);
	}
	memset(&addr, 0, sizeof(addr));
	assert_int_equal(addr_to_sockaddr(&addr, &storage), 0);
	storage.ss_family = AF_UNIX;
	assert_int_equal(addr_from_sockaddr(&back, (struct sockaddr *)&storage, sizeof(storage)),
	    ERR_UNSUPPORTED);
}

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, 0, &addr), 0);
	return addr;
}

static void addresses_compare(void **state)
{
	struct addr a = parsed("1.2.3.4:80"), b = parsed("1.2.3.4:81"), c = parsed("1.2.3.5:80");
	struct addr v6 = parsed("[102:304::]:80"), any = addr_any(6, 5);

	(void)state;
	assert_true(addr_equal(&a, &a));
	assert_false(addr_equal(&a, &b));
	assert_true(addr_equal_ip(&a, &b));
	assert_false(addr_equal_ip(&a, &c));
	assert_false(addr_equal_ip(&a, &v6));
	assert_true(addr_is_any(&any));
	assert_false(addr_is_any(&a));
	a = parsed("127.9.9.9");
	b = parsed("::1");
	assert_true(addr_is_loopback(&a));
	assert_true(addr_is_loopback(&b));
	assert_false(addr_is_loopback(&c));
}

static void of_ipv6_the_network_is_the_source(void **state)
{
	static const char *const cases[][2] = {{"1.2.3.4:80", "1.2.3.4"},
	    {"[2001:db8:0:7:1:2:3:4]:9", "2001:db8:0:7::"}, {"[fe80::1%2]:9", "fe80::%2"},
	    {"2001:db8:0:8::", "2001:db8:0:8::"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr addr = parsed(cases[i][0]), wanted = parsed(cases[i][1]),
		            source = addr_source(&addr);

		assert_memory_equal(&source, &wanted, sizeof(wanted));
	}
}

static void hosts_split_from_ports(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = {
	    {"example.com:80", "example.com", 80},
	    {"example.com", "example.com", 0},
	    {"[::1]:80", "::1", 80},
	    {"::1", "::1", 0},
	    {"1.2.3.4:9", "1.2.3.4", 9},
	    {"a_b-c.d.:1", "a_b-c.d.", 1},
	};
	static const char *const bad[] = {"", ":80", "host:0", "host:", "a b", "a..b", "-a", ".a",
	    "h/x:1", "[host]:1", "[zz::1]:1", "host:99999"};
	char host[ADDR_HOST_BYTES], tiny[4];
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(host_port_split(good[i].text, host, sizeof(host), &port), 0);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(host_port_split(bad[i], host, sizeof(host), &port), ERR_MALFORMED);
	assert_int_equal(host_port_split("host", tiny, sizeof(tiny), &port), ERR_MALFORMED);
}

static void port_ranges_are_sorted_and_checked(void **state)
{
	struct port_range ranges[4];
	char buf[32];
	size_t count;

	(void)state;
	assert_int_equal(port_ranges_parse("9000,8000-8010", ranges, 4, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(ranges[0].first, 8000);
	assert_int_equal(ranges[0].last, 8010);
	assert_int_equal(ranges[1].first, 9000);
	assert_int_equal(port_ranges_format(ranges, count, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "8000-8010,9000");
	assert_int_equal(port_ranges_format(ranges, count, buf, 14), ERR_TOO_LARGE);
	assert_int_equal(port_ranges_parse("1-65535", ranges, 4, &count), 0);
	assert_int_equal(port_ranges_parse("1,2,3,4,5", ranges, 4, &count), ERR_LIMIT);
	assert_int_equal(port_ranges_parse("5-9,9", ranges, 4, &count), ERR_EXISTS);
	assert_int_equal(count, 0);
}

static void wrong_port_ranges_are_refused(void **state)
{
	static const char *const bad[] = {
	    "", ",", "1,", ",1", "0", "2-1", "1-", "-1", "1-2-3", "65536", "1 ", "00000000000001"};
	struct port_range ranges[4];
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(port_ranges_parse(bad[i], ranges, 4, &count), ERR_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_come_back_as_text),
	    cmocka_unit_test(wrong_addresses_are_refused),
	    cmocka_unit_test(sockaddrs_come_back),
	    cmocka_unit_test(addresses_compare),
	    cmocka_unit_test(of_ipv6_the_network_is_the_source),
	    cmocka_unit_test(hosts_split_from_ports),
	    cmocka_unit_test(port_ranges_are_sorted_and_checked),
	    cmocka_unit_test(wrong_port_ranges_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
