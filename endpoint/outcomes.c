/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See outcomes.h. */
#include "endpoint/outcomes.h"

#include "net/backend_states.h"
#include "net/worker_messages.h"

#include <string.h>

enum { TELL_US = 250000 };

static void tell(struct outcomes *outcomes)
{
	worker_timer_stop(outcomes->worker, &outcomes->timer);
	worker_tell_main(outcomes->worker, WORKER_MESSAGE_FLOWS, outcomes->pending,
	    outcomes->count * sizeof(*outcomes->pending));
	outcomes->count = 0;
}

static void on_timer(struct worker_timer *timer)
{
	tell(LIST_ENTRY(timer, struct outcomes, timer));
}

static struct flow_outcomes *place_of(
    struct outcomes *outcomes, const struct backend_key *backend, const struct addr *address)
{
	struct flow_outcomes *place = outcomes->pending;

	for (; place < outcomes->pending + outcomes->count; place++)
		if (addr_equal_ip(&place->address, address)
		    && memcmp(&place->backend, backend, sizeof(*backend)) == 0)
			return place;
	*place = (struct flow_outcomes){.backend = *backend, .address = *address};
	if (outcomes->count++ == 0)
		worker_timer_set(
		    outcomes->worker, &outcomes->timer, worker_now_us(outcomes->worker) + TELL_US);
	return place;
}

void outcomes_add(struct outcomes *outcomes, uint32_t accelerator, const struct backend *backend,
    const struct addr *address, enum outcome outcome)
{
	struct backend_key key = backend_key(accelerator, backend);
	struct flow_outcomes *place = place_of(outcomes, &key, address);

	place->served += outcome == OUTCOME_SERVED;
	place->failed += outcome == OUTCOME_FAILED;
	place->unanswered += outcome == OUTCOME_UNANSWERED;
	if (outcomes->count == OUTCOMES_MAX)
		tell(outcomes);
}

void outcomes_init(struct outcomes *outcomes, struct worker *worker)
{
	*outcomes = (struct outcomes){.worker = worker};
	worker_timer_init(&outcomes->timer, on_timer);
}

void outcomes_stop(struct outcomes *outcomes)
{
	worker_timer_stop(outcomes->worker, &outcomes->timer);
}
