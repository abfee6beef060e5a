/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See group_order.h. */
#include "listener/group_order.h"

#include <string.h>

void group_order_init(struct group_order *order, size_t count, size_t ranked)
{
	*order = (struct group_order){.count = (uint8_t)count, .ranked = (uint8_t)ranked};
	for (size_t i = 0; i < count; i++)
		order->at[i] = (uint8_t)i;
}

/* Takes the group at place `from` out and puts it in before the one at `to` <= from. */
static void move_up(struct group_order *order, size_t from, size_t to)
{
	uint8_t group = order->at[from];

	memmove(&order->at[to + 1], &order->at[to], from - to);
	order->at[to] = group;
}

/* Where the group stood by its RTT; behind all that did when it is new or was ranked. */
static size_t place_of(const struct group_order *order, int group)
{
	size_t place = order->ranked;

	while (place < order->count && order->at[place] != group)
		place++;
	return place;
}

void group_order_inherit(
    struct group_order *order, const struct group_order *before, const int *was)
{
	for (size_t i = 0; i < order->count; i++) {
		if (place_of(before, was[i]) < before->count)
			order->groups[i].rtt_us = before->groups[was[i]].rtt_us;
	}
	/* An insertion sort by the places before. */
	for (size_t from = (size_t)order->ranked + 1; from < order->count; from++) {
		size_t place = place_of(before, was[order->at[from]]), to = from;

		while (to > order->ranked && place < place_of(before, was[order->at[to - 1]]))
			to--;
		move_up(order, from, to);
	}
	order->looked_us = before->looked_us;
	order->has_looked = before->has_looked;
}

bool group_order_is_due(const struct group_order *order, uint64_t now_us)
{
	return !order->has_looked || now_us - order->looked_us >= GROUP_ORDER_LOOK_US;
}

static bool is_nearer_by_enough(uint64_t rtt_us, uint64_t than_us)
{
	return than_us == 0
	       || rtt_us * 100 <= than_us * (100 - (uint64_t)GROUP_ORDER_NEARER_PERCENT);
}

/* A group whose RTT is known for the first time takes its place at once. */
static void place_newcomer(struct group_order *order, size_t place)
{
	uint64_t rtt_us = order->groups[order->at[place]].rtt_us;
	size_t to = order->ranked;

	while (to < place && order->groups[order->at[to]].rtt_us > 0
	       && order->groups[order->at[to]].rtt_us <= rtt_us)
		to++;
	move_up(order, place, to);
}

/* Which of the groups before it the one at `place` is nearer than. */
static uint64_t groups_beaten(const struct group_order *order, size_t place, uint64_t rtt_us)
{
	uint64_t beaten = 0;

	for (size_t i = order->ranked; i < place; i++) {
		if (is_nearer_by_enough(rtt_us, order->groups[order->at[i]].rtt_us))
			beaten |= UINT64_C(1) << order->at[i];
	}
	return beaten;
}

/* Moves the group at `place` up when its time has come. */
static void contend(struct group_order *order, size_t place, uint64_t rtt_us, uint64_t now_us)
{
	uint8_t group = order->at[place];
	uint64_t beaten = rtt_us ? groups_beaten(order, place, rtt_us) : 0;
	size_t to = place;

	if (!(order->groups[group].rivals & beaten)) {
		order->groups[group].rivals = beaten;
		order->groups[group].since_us = now_us;
		return;
	}
	order->groups[group].rivals &= beaten;
	if (now_us - order->groups[group].since_us < GROUP_ORDER_STEADY_US)
		return;
	while (to > order->ranked && (order->groups[group].rivals >> order->at[to - 1] & 1))
		to--;
	move_up(order, place, to);
	order->groups[group].rivals = 0;
}

void group_order_look(struct group_order *order, const uint64_t *rtt_us, uint64_t now_us)
{
	bool is_new[GROUPS_MAX] = {false};

	order->looked_us = now_us;
	order->has_looked = true;
	for (size_t i = 0; i < order->count; i++) {
		is_new[i] = rtt_us[i] > 0 && order->groups[i].rtt_us == 0;
		if (rtt_us[i] > 0)
			order->groups[i].rtt_us = rtt_us[i];
	}
	for (size_t place = order->ranked; place < order->count; place++) {
		uint8_t group = order->at[place];

		if (is_new[group])
			place_newcomer(order, place);
		else
			contend(order, place, rtt_us[group], now_us);
	}
}
