/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is measured, on its way from a worker to the API.  'p': the pages of workers that were taken over, which main reads;
 * the report that it makes is one that control takes, whatever stands in them.  'l' and 'e': reports that a listener or an
 * endpoint that was taken over sends to control, one a line; the API shows them as JSON, and nothing of another's tunnels.
 */
#include "config.h"

#include "base/bytes.h"
#include "control/tunnels.h"
#include "net/node_report.h"
#include "tests/fuzz/require.h"
#include "tests/unit/installation_fixture.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORKERS = 2, PLACES = 4, REPORTS_MAX = 8, NOW_MS = 1000000 };

static struct page *pages[WORKERS];
static struct tunnels *tunnels;

/* As the API does; the two of tokyo and lima have a tunnel each to those of oslo and rome. */
static void show_all(uint64_t now_ms)
{
	for (size_t i = 0; i < fixture.node_count; i++)
		for (size_t j = 0; j < fixture.node_count; j++) {
			const struct node *from = &fixture.nodes[i], *to = &fixture.nodes[j];
			json_t *json;
			char *text;

			if (from->role != NODE_LISTENER || to->role != NODE_ENDPOINT)
				continue;
			json = tunnels_to_json(tunnels, from, to, TUNNEL_VIEW_DETAIL, now_ms);
			text = json ? json_dumps(json, JSON_REAL_PRECISION(9)) : NULL;
			require(text && strstr(text, from->name));
			require(tunnels_state(tunnels, from, to, now_ms) != NULL);
			free(text);
			json_decref(json);
		}
}

static void take(const struct node *node, const char *text, size_t length, bool must_be_good)
{
	struct message message;
	struct model_error error;

	if (message_decode(text, length, &message, &error) < 0) {
		require(!must_be_good);
		return;
	}
	if (message.type == MESSAGE_REPORT)
		tunnels_report(tunnels, &fixture, node, &message.body.report, NOW_MS);
	message_clear(&message);
}

static void from_a_node(const struct node *node, const uint8_t *data, size_t size)
{
	for (int i = 0; i < REPORTS_MAX && size > 0; i++) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;

		take(node, (const char *)data, length, false);
		data += length;
		size -= length;
		if (size) {
			data++;
			size--;
		}
	}
}

/* ---- pages ---- */

/* A number of any size: mostly ones that a worker would write. */
static uint64_t any_number(struct reader *r)
{
	uint8_t how = reader_u8(r);

	return how < 200 ? how : how < 250 ? reader_u16(r) : reader_u64(r);
}

static void fill_text(struct reader *r, char *text, size_t size, const char *usual)
{
	uint8_t how = reader_u8(r);

	memset(text, 0, size);
	if (how < 200)
		memcpy(text, usual, strlen(usual));
	else
		reader_copy(r, text, size < 8 ? size : 8 + how % 4 * (size - 8) / 4);
}

static void fill_state(struct reader *r, struct page_lane_state *state)
{
	uint8_t bytes[256];
	size_t at = reader_u16(r) % sizeof(*state), length = reader_u8(r) % 64;

	*state = (struct page_lane_state){.lane = (uint32_t)any_number(r),
	    .slot = (uint32_t)any_number(r),
	    .is_up = (uint32_t)any_number(r),
	    .since_ms = any_number(r),
	    .rtt_smoothed_us = any_number(r),
	    .jitter_us = any_number(r),
	    .bytes_sent = any_number(r),
	    .bytes_received = any_number(r),
	    .flows = any_number(r),
	    .packet_bytes = any_number(r)};
	state->figures.packets_sent = any_number(r);
	state->figures.packets_lost = any_number(r);
	fill_text(r, state->peer_name, sizeof(state->peer_name), "osl-1");
	fill_text(r, state->congestion, sizeof(state->congestion), "bbr");
	/* And some of its bytes at will. */
	if (length > sizeof(*state) - at)
		length = sizeof(*state) - at;
	reader_copy(r, bytes, length);
	if (length && !r->failed)
		memcpy((uint8_t *)state + at, bytes, length);
}

static void fill_window(struct reader *r, struct window_histogram *window)
{
	for (unsigned count = reader_u8(r) % 4; count-- > 0;) {
		size_t slot = reader_u8(r) % HISTOGRAM_WINDOW_SLOTS;
		struct histogram *histogram = &window->slots[slot];

		window->slot_numbers[slot] = any_number(r);
		histogram->min = any_number(r);
		histogram->max = any_number(r);
		histogram->counts[reader_u16(r) % HISTOGRAM_BUCKETS] = (uint32_t)any_number(r);
	}
}

static void write_pages(struct reader *r)
{
	for (unsigned count = reader_u8(r) % (2 * PLACES); count-- > 0;) {
		uint8_t where = reader_u8(r);
		struct page *page = pages[where % WORKERS];
		struct page_lane *lane = &page->lanes[where / 8 % PLACES];

		lane->is_used = where & 4 ? (uint32_t)any_number(r) : 1;
		lane->sequence = where & 64 ? (uint32_t)any_number(r) : 0;
		fill_state(r, &lane->state);
		fill_window(r, &lane->rtt);
		page->values[reader_u8(r) % PAGE_VALUE_COUNT] = any_number(r);
	}
}

static void clear_pages(void)
{
	for (int i = 0; i < WORKERS; i++) {
		memset(pages[i]->values, 0, sizeof(pages[i]->values));
		for (int k = 0; k < PLACES; k++)
			memset(&pages[i]->lanes[k], 0, sizeof(pages[i]->lanes[k]));
	}
}

static void from_pages(const uint8_t *data, size_t size)
{
	static struct config_peer peers[] = {{.name = "osl-1", .slots = 2, .region = "oslo"},
	    {.name = "rom-1", .slots = 1, .region = "rome"}};
	static const struct node_config config = {.role = NODE_LISTENER,
	    .node_name = "tyo-1",
	    .region = "tokyo",
	    .peers = peers,
	    .peer_count = 2};
	struct node_report *report = node_report_new(WORKERS);
	uint64_t now_us = 100000000;
	struct reader r;

	reader_init(&r, data, size);
	clear_pages();
	for (int i = 0; i < REPORTS_MAX && reader_left(&r) > 0; i++) {
		struct message message = {.type = MESSAGE_REPORT};
		size_t length;
		char *text;

		write_pages(&r);
		now_us += reader_u16(&r) * UINT64_C(100);
		require(node_report_make(report, (const struct page *const *)pages, &config, NULL,
		            0, now_us, &message.body.report)
		        == 0);
		require(message_encode(&message, &text, &length) == 0);
		take(installation_node(&fixture, "tyo-1"), text, length, true);
		message_clear(&message);
		free(text);
	}
	node_report_free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (!pages[0]) {
		fixture_set_up(NULL);
		for (int i = 0; i < WORKERS; i++)
			pages[i] = calloc(1, sizeof(struct page));
	}
	tunnels = tunnels_new();
	if (data[0] == 'l')
		from_a_node(installation_node(&fixture, "tyo-1"), data + 1, size - 1);
	else if (data[0] == 'e')
		from_a_node(installation_node(&fixture, "osl-1"), data + 1, size - 1);
	else
		from_pages(data + 1, size - 1);
	show_all(NOW_MS + 1);
	tunnels_forget(tunnels, &fixture);
	tunnels_free(tunnels);
	return 0;
}
