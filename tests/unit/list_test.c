/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists: order, unlinking while walking, unlinking twice, splicing.
 */
#include "base/list.h"

#include "tests/unit/cmocka_all.h"

struct item {
	int value;
	struct list_node node;
};

static int list_digits(struct list_node *head)
{
	int digits = 0;

	LIST_FOREACH (item, head, struct item, node)
		digits = digits * 10 + item->value;
	return digits;
}

static void items_init(struct item *items, int count, struct list_node *head)
{
	list_init(head);
	for (int i = 0; i < count; i++) {
		items[i].value = i + 1;
		list_init(&items[i].node);
		list_add_tail(head, &items[i].node);
	}
}

static void members_keep_their_order(void **state)
{
	struct list_node head;
	struct item items[4], extra = {.value = 9};

	(void)state;
	items_init(items, 4, &head);
	list_add_head(&head, &extra.node);
	assert_int_equal(list_digits(&head), 91234);
	list_move_tail(&head, &items[1].node);
	assert_int_equal(list_digits(&head), 91342);
	assert_ptr_equal(LIST_ENTRY(list_first(&head), struct item, node), &extra);
	assert_ptr_equal(list_pop(&head), &extra.node);
	assert_false(list_is_linked(&extra.node));
	assert_int_equal(list_digits(&head), 1342);
}

static void deleting_twice_is_harmless(void **state)
{
	struct list_node head;
	struct item items[3];

	(void)state;
	items_init(items, 3, &head);
	list_del(&items[1].node);
	list_del(&items[1].node);
	assert_int_equal(list_digits(&head), 13);
	assert_true(list_is_linked(&items[0].node));
}

static void members_may_leave_while_walking(void **state)
{
	struct list_node head;
	struct item items[5];

	(void)state;
	items_init(items, 5, &head);
	LIST_FOREACH_SAFE (item, following, &head, struct item, node)
		if (item->value % 2)
			list_del(&item->node);
	assert_int_equal(list_digits(&head), 24);
	LIST_FOREACH_SAFE (item, following, &head, struct item, node)
		list_del(&item->node);
	assert_true(list_is_empty(&head));
	assert_null(list_pop(&head));
	assert_null(list_first(&head));
}

static void splicing_empties_the_source(void **state)
{
	struct list_node a, b, c = LIST_HEAD(c);
	struct item left[2], right[3];

	(void)state;
	items_init(left, 2, &a);
	items_init(right, 3, &b);
	list_splice_tail(&a, &b);
	list_splice_tail(&a, &c);
	assert_int_equal(list_digits(&a), 12123);
	assert_true(list_is_empty(&b));
	list_splice_tail(&b, &a);
	assert_int_equal(list_digits(&b), 12123);
	assert_true(list_is_empty(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_keep_their_order),
	    cmocka_unit_test(deleting_twice_is_harmless),
	    cmocka_unit_test(members_may_leave_while_walking),
	    cmocka_unit_test(splicing_empties_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
