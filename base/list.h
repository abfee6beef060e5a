/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intrusive circular doubly linked lists.  The head is a bare node; a node that is on no list
 * points to itself, so deleting twice is harmless.  A list does not own its members.
 * An LRU list is one whose members are moved to the tail when used and taken from the head.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
	struct list_node *next, *previous;
};

/* For static heads: struct list_node head = LIST_HEAD(head); */
#define LIST_HEAD(name)                                                                            \
	{                                                                                          \
		&(name), &(name)                                                                   \
	}

static inline void list_init(struct list_node *node)
{
	node->next = node;
	node->previous = node;
}

static inline bool list_is_empty(const struct list_node *head)
{
	return head->next == head;
}

static inline bool list_is_linked(const struct list_node *node)
{
	return node->next != node;
}

/* Puts an unlinked node right before `place`. */
static inline void list_insert_before(struct list_node *place, struct list_node *node)
{
	node->next = place;
	node->previous = place->previous;
	place->previous->next = node;
	place->previous = node;
}

static inline void list_add_tail(struct list_node *head, struct list_node *node)
{
	list_insert_before(head, node);
}

static inline void list_add_head(struct list_node *head, struct list_node *node)
{
	list_insert_before(head->next, node);
}

/* Unlinks the node and leaves it linked to itself. */
static inline void list_del(struct list_node *node)
{
	node->next->previous = node->previous;
	node->previous->next = node->next;
	list_init(node);
}

/* Moves a node, linked or not, to the tail of a list. */
static inline void list_move_tail(struct list_node *head, struct list_node *node)
{
	list_del(node);
	list_add_tail(head, node);
}

static inline struct list_node *list_first(const struct list_node *head)
{
	return list_is_empty(head) ? NULL : head->next;
}

/* Takes the first node off the list; NULL when the list is empty. */
static inline struct list_node *list_pop(struct list_node *head)
{
	struct list_node *node = list_first(head);

	if (node)
		list_del(node);
	return node;
}

/* Moves all members of `from` to the tail of `to`. */
static inline void list_splice_tail(struct list_node *to, struct list_node *from)
{
	if (list_is_empty(from))
		return;
	from->next->previous = to->previous;
	to->previous->next = from->next;
	from->previous->next = to;
	to->previous = from->previous;
	list_init(from);
}

/* The struct of this type whose member is the node. */
#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/*
 * LIST_FOREACH(item, &head, type, member) { use item }
 * The body must not unlink item; LIST_FOREACH_SAFE, which has one more variable of the same
 * type, allows that (but not unlinking the item after it).
 */
#define LIST_FOREACH(item, head, type, member)                                                     \
	for (type *item = LIST_ENTRY((head)->next, type, member); &item->member != (head);         \
	     item = LIST_ENTRY(item->member.next, type, member))

#define LIST_FOREACH_SAFE(item, following, head, type, member)                                     \
	for (type *item = LIST_ENTRY((head)->next, type, member),                                  \
	          *following = LIST_ENTRY(item->member.next, type, member);                        \
	     &item->member != (head);                                                              \
	     item = following, following = LIST_ENTRY(item->member.next, type, member))

#endif
