/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of base/cidr.c: what is a block, in which words the rest is refused, what lies inside. */
#include "tests/unit/cmocka_all.h"

#include "base/cidr.h"
#include "base/err.h"

#include <string.h>

static char fix[CIDR_FIX_BYTES];

static void assert_is(const char *text, const char *wanted)
{
	char written[CIDR_TEXT_BYTES];
	struct cidr cidr, again;

	if (cidr_parse(text, &cidr, fix))
		fail_msg("%s: %s", text, fix);
	assert_string_equal(cidr_format(&cidr, written), wanted);
	assert_int_equal(cidr_parse(written, &again, NULL), 0);
	assert_int_equal(cidr_compare(&cidr, &again), 0);
}

static void assert_fix(const char *text, const char *wanted)
{
	struct cidr cidr;

	fix[0] = '\0';
	assert_int_equal(cidr_parse(text, &cidr, NULL), ERR_MALFORMED);
	assert_int_equal(cidr_parse(text, &cidr, fix), ERR_MALFORMED);
	assert_string_equal(fix, wanted);
}

static void blocks_have_one_form(void **state)
{
	(void)state;
	assert_is("10.0.0.0/8", "10.0.0.0/8");
	assert_is("0.0.0.0/0", "0.0.0.0/0");
	assert_is("192.0.2.7", "192.0.2.7/32");
	assert_is("192.0.2.6/31", "192.0.2.6/31");
	assert_is("2001:DB8:0::/32", "2001:db8::/32");
	assert_is("::/0", "::/0");
	assert_is("::1", "::1/128");
	assert_is("2001:db8:8000::/33", "2001:db8:8000::/33");
	assert_is("fe80::/10", "fe80::/10");
}

static void mapped_ipv4_is_ipv4(void **state)
{
	(void)state;
	assert_is("::ffff:192.0.2.0/120", "192.0.2.0/24");
	assert_is("::ffff:192.0.2.1", "192.0.2.1/32");
	assert_is("::ffff:0:0/96", "0.0.0.0/0");
	assert_is("::ffff:c000:201/128", "192.0.2.1/32");
	assert_fix("::ffff:0:0/95", "write it as plain IPv4, or with /96 to /128");
	assert_fix("::ffff:192.0.2.1/24", "write it as plain IPv4, or with /96 to /128");
}

static void bits_behind_the_prefix_are_refused_with_both_meanings(void **state)
{
	(void)state;
	assert_fix("10.0.0.5/8", "write 10.0.0.0/8, or 10.0.0.5 for one address");
	assert_fix("192.0.2.1/31", "write 192.0.2.0/31, or 192.0.2.1 for one address");
	assert_fix("1.2.3.4/0", "write 0.0.0.0/0, or 1.2.3.4 for one address");
	assert_fix("2001:db8::1/32", "write 2001:db8::/32, or 2001:db8::1 for one address");
	assert_fix(
	    "2001:db8:c000::/33", "write 2001:db8:8000::/33, or 2001:db8:c000:: for one address");
	assert_fix("::ffff:10.0.0.5/104", "write 10.0.0.0/8, or ::ffff:10.0.0.5 for one address");
}

static void other_texts_are_refused(void **state)
{
	static const char *const bad[] = {"", "/", "/8", "10.0.0.0.0/8", "10/8", "10.0.0/24",
	    "localhost/8", "10.0.0.0 /8", " 10.0.0.0/8", "[::1]/128", "[::1]", "[::1]:80",
	    "10.0.0.1:80", "10.0.0.1:0", "10.0.0.1:0/32", "fe80::1%lo/64", "fe80::%1/10", ":::/0",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/8"};
	static const char *const lengths4[] = {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
	    "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/8 ", "10.0.0.0/255.0.0.0",
	    "10.0.0.0/4294967304"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_fix(bad[i], "write a block as 192.0.2.0/24 or 2001:db8::/32, or an address");
	for (size_t i = 0; i < sizeof(lengths4) / sizeof(lengths4[0]); i++)
		assert_fix(lengths4[i], "end it in /0 to /32");
	assert_fix("2001:db8::/129", "end it in /0 to /128");
	assert_fix("2001:db8::/999999", "end it in /0 to /128");
}

static bool is_in(const char *block, const char *address)
{
	struct cidr cidr;
	struct addr addr;

	assert_int_equal(cidr_parse(block, &cidr, NULL), 0);
	assert_int_equal(addr_parse(address, 80, &addr), 0);
	return cidr_contains(&cidr, &addr);
}

static void what_lies_inside(void **state)
{
	(void)state;
	assert_true(is_in("10.0.0.0/8", "10.255.255.255"));
	assert_false(is_in("10.0.0.0/8", "11.0.0.0"));
	assert_true(is_in("192.0.2.128/25", "192.0.2.200"));
	assert_false(is_in("192.0.2.128/25", "192.0.2.127"));
	assert_true(is_in("192.0.2.1", "::ffff:192.0.2.1"));
	assert_true(is_in("0.0.0.0/0", "255.255.255.255"));
	assert_false(is_in("::/0", "192.0.2.1"));
	assert_false(is_in("0.0.0.0/0", "::1"));
	assert_true(is_in("fe80::/10", "fe80::1%1"));
	assert_false(is_in("2001:db8::/33", "2001:db8:8000::"));
}

static void order_is_by_family_address_and_width(void **state)
{
	static const char *const sorted[] = {"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9",
	    "10.128.0.0/9", "192.0.2.0/24", "::/0", "::/1", "::1/128", "8000::/1"};
	struct cidr cidrs[sizeof(sorted) / sizeof(sorted[0])];
	size_t count = sizeof(sorted) / sizeof(sorted[0]);

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(cidr_parse(sorted[i], &cidrs[i], NULL), 0);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			int order = cidr_compare(&cidrs[i], &cidrs[j]);

			assert_true(i < j ? order < 0 : i > j ? order > 0 : order == 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_have_one_form),
	    cmocka_unit_test(mapped_ipv4_is_ipv4),
	    cmocka_unit_test(bits_behind_the_prefix_are_refused_with_both_meanings),
	    cmocka_unit_test(other_texts_are_refused),
	    cmocka_unit_test(what_lies_inside),
	    cmocka_unit_test(order_is_by_family_address_and_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
