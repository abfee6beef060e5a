/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See node_server.h.  A record lives as long as its node is in the installation, a link as long as
 * its connection; each points to the other while both are there.
 */
#include "config.h"

#include "control/node_server.h"

#include "base/err.h"
#include "base/log.h"
#include "control/audit.h"
#include "control/backend_reports.h"
#include "control/compile.h"
#include "control/events.h"
#include "control/explain.h"
#include "control/gone.h"
#include "control/health_json.h"
#include "control/node_drain.h"
#include "control/node_join.h"
#include "control/node_link.h"
#include "control/time_text.h"
#include "net/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HASH_BYTES = 32,
	CHECK_MS = 250,
	STOOD_STILL_MS = 1000, /* control itself, when a check comes that late */
	LINK_SILENT_MS = 30000,
	REFUSED_RETRY_MS = 5000,
};

struct record {
	uint32_t node_id;
	struct node_live live;
	struct config_number wanted;
	uint8_t fingerprint[HASH_BYTES]; /* of the wanted config */
	uint32_t drain_s;                /* that came with the wanted config */
	struct gone_ear ear;
	uint64_t report_us;     /* made_us of the last report */
	uint64_t told_gone_ms;  /* steady; when it was last told who is gone */
	uint64_t tunnel_ms;     /* steady; of one that is silent: tunnels_up_ms() */
	uint64_t refused_ms;    /* steady; of the last refusal */
	struct node_link *link; /* NULL while it is not connected */
	struct drain_told drain_told;
};

struct node_server {
	struct control *control;
	struct node_links *links;
	struct record *records[NODES_MAX];
	size_t count;
	ev_timer check;
	uint64_t checked_ms,
	    judges_ms; /* steady: the last check; from when on silence is a node's */
	uint64_t denied;
	bool has_identity;
	node_server_ready_fn *on_ready;
};

/* ---- records ---- */

static struct record *find(const struct node_server *server, uint32_t node_id)
{
	for (size_t i = 0; server && i < server->count; i++) {
		if (server->records[i]->node_id == node_id)
			return server->records[i];
	}
	return NULL;
}

const struct node_live *node_server_live(const struct node_server *server, uint32_t node_id)
{
	static const struct node_live never;
	const struct record *record = find(server, node_id);

	return record ? &record->live : &never;
}

struct node_server_figures node_server_figures(const struct node_server *server)
{
	const struct process *keys = server ? node_links_keys(server->links) : NULL;

	if (!keys)
		return (struct node_server_figures){0};
	return (struct node_server_figures){
	    .keys_pid = process_pid(keys),
	    .keys_restarts = process_restarts(keys),
	    .connections_dropped = node_links_dropped(server->links),
	    .denied = server->denied,
	};
}

static void record_free(struct record *record)
{
	free(record->live.counters);
	free(record->live.backends);
	free(record);
}

static struct record *find_or_add(struct node_server *server, uint32_t node_id)
{
	struct record *record = find(server, node_id);

	if (record || server->count == NODES_MAX)
		return record;
	record = calloc(1, sizeof(*record));
	if (!record)
		return NULL;
	record->node_id = node_id;
	record->live.state_since_ms = server->control->started_ms;
	server->records[server->count++] = record;
	return record;
}

static const struct node *node_of(const struct node_server *server, const struct record *record)
{
	return installation_node_by_id(&server->control->installation, record->node_id);
}

static void set_up(struct node_server *server, struct record *record, bool is_up)
{
	const struct node *node = node_of(server, record);

	if (record->live.is_up == is_up)
		return;
	record->live.is_up = is_up;
	record->live.state_since_ms = control_now_ms();
	if (node)
		log_info(is_up ? "node_up" : "node_down", "node=%s role=%s region=%s", node->name,
		    node_role_text(node->role), node->region);
	if (node)
		events_publish(server->control->events, EVENT_NODE, 0,
		    json_pack("{s:s, s:s, s:s, s:s, s:o}", "node", node->name, "role",
		        node_role_text(node->role), "region", node->region, "state",
		        is_up ? "up" : "down", "since", time_to_json(record->live.state_since_ms)));
}

/* What a node made of a config: its revision, and why it was refused or NULL. */
static void tell_config(
    struct node_server *server, const struct record *record, uint64_t revision, const char *reason)
{
	const struct node *node = node_of(server, record);

	if (node)
		events_publish(server->control->events, EVENT_CONFIG, 0,
		    json_pack("{s:s, s:I, s:s, s:s?}", "node", node->name, "revision",
		        (json_int_t)revision, "state", reason ? "refused" : "applied", "reason",
		        reason));
}

/* ---- messages out ---- */

static int send_message(struct node_link *link, const struct message *message)
{
	size_t length;
	char *text;
	int result = message_encode(message, &text, &length);

	if (result < 0) {
		log_error("message_not_sent", "type=%s reason=\"%s\"",
		    message_type_text(message->type), err_text(result));
		return result;
	}
	node_link_send(link, text, length);
	free(text);
	return 0;
}

static void send_reason(struct node_link *link, enum message_type type, const char *reason)
{
	struct message message = {.type = type};

	/* denied and removed have the same body */
	strncpy(message.body.denied.reason, reason, sizeof(message.body.denied.reason) - 1);
	send_message(link, &message);
}

static void send_welcome(struct node_link *link, const struct node *node)
{
	struct message message = {.type = MESSAGE_WELCOME, .body.welcome.node_id = node->id};

	memcpy(message.body.welcome.name, node->name, sizeof(node->name));
	memcpy(message.body.welcome.region, node->region, sizeof(node->region));
	send_message(link, &message);
}

void node_server_send(
    const struct node_server *server, uint32_t node_id, const struct message *message)
{
	const struct record *record = find(server, node_id);

	if (record && record->link)
		send_message(record->link, message);
}

/* Refused again, it is refused since the first time. */
static void note_refusal(
    struct node_server *server, struct record *record, uint64_t revision, const char *reason)
{
	if (record->live.refused_revision != revision) {
		tell_config(server, record, revision, reason);
		record->live.refused_since_ms = control_now_ms();
	}
	record->live.refused_revision = revision;
	record->refused_ms = control_steady_ms();
	snprintf(record->live.refused_reason, sizeof(record->live.refused_reason), "%s", reason);
}

/*
 * Compiles the node's config and notes whether it is another than before.  Sends it when it is, or
 * when the node is new here (is_first): then with the drain time that the config came with.
 */
static void push_config(
    struct node_server *server, struct record *record, uint32_t drain_s, bool is_first)
{
	const struct node *node = node_of(server, record);
	struct message message = {.type = MESSAGE_CONFIG};
	struct node_config *config = &message.body.config;
	uint8_t fingerprint[HASH_BYTES];
	bool is_new;

	if (compile_node_config(&server->control->installation, node, config) < 0
	    || node_config_fingerprint(config, fingerprint) < 0) {
		log_error("config_not_made", "node=%s reason=memory", node->name);
		node_config_clear(config);
		return;
	}
	is_new = memcmp(fingerprint, record->fingerprint, sizeof(fingerprint)) != 0;
	if (is_new) {
		record->wanted = config->number;
		record->live.wanted_revision = config->number.revision;
		record->live.wanted_steady_ms = control_steady_ms();
		memcpy(record->fingerprint, fingerprint, sizeof(fingerprint));
		record->drain_s = drain_s;
	}
	config->number = record->wanted;
	config->drain_s = record->drain_s;
	if (record->link && (is_new || is_first)) {
		record->live.is_asked = send_message(record->link, &message) == 0;
		if (!record->live.is_asked)
			note_refusal(server, record, record->wanted.revision,
			    "the config is larger than a message to a node may be: it was not "
			    "sent");
	}
	node_config_clear(config);
}

/* ---- removal ---- */

static void close_link(struct record *record)
{
	if (record->link) {
		node_link_set_user(record->link, NULL);
		node_link_close(record->link);
	}
	record->link = NULL;
}

static void remove_record(struct node_server *server, size_t i)
{
	struct record *record = server->records[i];

	if (record->link)
		send_reason(record->link, MESSAGE_REMOVED,
		    "this node was removed; it may join again with --join and a new token");
	close_link(record);
	log_info("node_removed", "id=%u", record->node_id);
	record_free(record);
	server->records[i] = server->records[--server->count];
}

static void remove_those_gone(struct node_server *server)
{
	for (size_t i = server->count; i-- > 0;) {
		if (!node_of(server, server->records[i]))
			remove_record(server, i);
	}
}

static void push_to_role(struct node_server *server, enum node_role role, uint32_t drain_s)
{
	const struct installation *installation = &server->control->installation;

	for (size_t i = 0; i < installation->node_count; i++) {
		const struct node *node = &installation->nodes[i];
		struct record *record = node->role == role ? find_or_add(server, node->id) : NULL;

		if (record)
			push_config(server, record, drain_s, false);
	}
}

/* Endpoints first: they are to know an accelerator before a listener opens flows for it. */
void node_server_push(struct node_server *server, uint32_t drain_s)
{
	remove_those_gone(server);
	push_to_role(server, NODE_ENDPOINT, drain_s);
	push_to_role(server, NODE_LISTENER, drain_s);
}

struct config_number node_server_newest(const struct node_server *server)
{
	struct config_number newest = {0};

	for (size_t i = 0; server && i < server->count; i++) {
		const struct config_number *has = &server->records[i]->live.has;

		if (config_number_compare(has, &newest) > 0)
			newest = *has;
	}
	return newest;
}

/* By hello each tells its address and workers anew, which a restored database may not have. */
void node_server_renumber(struct node_server *server)
{
	for (size_t i = 0; i < server->count; i++) {
		struct record *record = server->records[i];

		memset(record->fingerprint, 0, sizeof(record->fingerprint));
		record->live.refused_revision = 0;
		close_link(record);
		set_up(server, record, false);
	}
	node_server_push(server, DRAIN_DEFAULT_S);
}

/* ---- messages in ---- */

static void deny(
    struct node_server *server, struct node_link *link, const char *name, const char *reason)
{
	char peer[ADDR_TEXT_BYTES], quoted_name[2 * NAME_BYTES], quoted[REASON_BYTES];

	server->denied++;
	log_limited(LOG_LEVEL_WARN, 10, "node_denied", "peer=%s name=%s denied=%llu reason=%s",
	    addr_format(node_link_peer(link), peer, sizeof(peer)),
	    log_quote(quoted_name, sizeof(quoted_name), name), (unsigned long long)server->denied,
	    log_quote(quoted, sizeof(quoted), reason));
	send_reason(link, MESSAGE_DENIED, reason);
	node_link_close(link);
}

/* A newer connection of the same node takes the place of the old one. */
static void attach(struct node_server *server, struct record *record, struct node_link *link)
{
	close_link(record);
	record->link = link;
	gone_on_message(&record->ear, control_steady_ms());
	record->live.last_seen_ms = control_now_ms();
	node_link_set_user(link, record);
	node_link_trust(link);
	set_up(server, record, true);
}

/* What changed with it, or was refused; a node that comes back as it was is neither. */
static void audit_hello(struct node_server *server, const struct node_link *link,
    const struct message_hello *hello, bool is_known, uint64_t before, const char *reason)
{
	uint64_t revision = server->control->installation.revision;
	char who[NAME_BYTES + 8], from[ADDR_TEXT_BYTES];

	if (revision == before && !reason)
		return;
	snprintf(who, sizeof(who), "node %s", hello->name);
	audit_write(server->control->audit,
	    &(struct audit_entry){.outcome = reason ? AUDIT_STRANGER : AUDIT_DONE,
	        .who = who,
	        .from = addr_format(node_link_peer(link), from, sizeof(from)),
	        .what = is_known ? "reconnect" : "join",
	        .revision = reason ? 0 : revision,
	        .detail = reason},
	    control_now_ms());
}

static void on_hello(
    struct node_server *server, struct node_link *link, const struct message_hello *hello)
{
	uint64_t before = server->control->installation.revision;
	bool is_known =
	    installation_node_by_pin(&server->control->installation, node_link_pin(link)) != NULL;
	char reason[REASON_BYTES];
	uint32_t id =
	    node_join(server->control, node_link_pin(link), node_link_peer(link), hello, reason);
	struct record *record = id ? find_or_add(server, id) : NULL;

	audit_hello(server, link, hello, is_known, before, id ? NULL : reason);
	if (!record) {
		deny(server, link, hello->name, id ? "control has no memory, try again" : reason);
		return;
	}
	attach(server, record, link);
	record->live.has = hello->config;
	record->live.has_applied = hello->config.revision != 0;
	record->live.applied_revision = hello->config.revision;
	record->live.applied_since_ms = control_now_ms();
	record->live.applied_steady_ms = control_steady_ms();
	send_welcome(link, node_of(server, record));
	push_config(server, record, DRAIN_DEFAULT_S, true);
}

static void note_answer(struct record *record, const struct config_number *number)
{
	if (config_number_compare(number, &record->wanted) == 0)
		record->live.is_asked = false;
}

static void on_applied(
    struct node_server *server, struct record *record, const struct message_applied *applied)
{
	tell_config(server, record, applied->number.revision, NULL);
	note_answer(record, &applied->number);
	record->live.has = applied->number;
	record->live.has_applied = true;
	record->live.applied_revision = applied->number.revision;
	record->live.applied_since_ms = control_now_ms();
	record->live.applied_steady_ms = control_steady_ms();
	if (record->live.refused_revision <= applied->number.revision)
		record->live.refused_revision = 0;
}

static void on_refused(
    struct node_server *server, struct record *record, const struct message_refused *refused)
{
	const struct node *node = node_of(server, record);
	char quoted[REASON_BYTES];

	note_answer(record, &refused->number);
	note_refusal(server, record, refused->number.revision, refused->reason);
	log_limited(LOG_LEVEL_WARN, 10, "config_refused", "node=%s revision=%llu reason=%s",
	    node->name, (unsigned long long)refused->number.revision,
	    log_quote(quoted, sizeof(quoted), refused->reason));
}

static void on_report(
    struct node_server *server, struct record *record, struct message_report *report)
{
	tunnels_report(server->control->tunnels, &server->control->installation,
	    node_of(server, record), report, control_steady_ms());
	record->live.reported_ms = record->live.last_seen_ms;
	record->live.reported_steady_ms = record->ear.heard_ms;
	record->report_us = report->made_us;
	record->live.machine = report->machine;
	record->live.clock_ahead_ms =
	    (int64_t)report->machine.clock_ms - (int64_t)record->live.last_seen_ms;
	free(record->live.counters);
	record->live.counters = report->counters;
	record->live.counter_count = report->counter_count;
	report->counters = NULL; /* moved */
	report->counter_count = 0;
	report->backend_count = backend_reports_keep(&server->control->installation,
	    node_of(server, record), report->backends, report->backend_count);
	health_tell(server->control, node_of(server, record), record->live.backends,
	    record->live.backend_count, report->backends, report->backend_count);
	free(record->live.backends);
	record->live.backends = report->backends;
	record->live.backend_count = report->backend_count;
	report->backends = NULL;
	report->backend_count = 0;
	set_up(server, record, true);
	node_drain_tell(server->control, node_of(server, record), &record->drain_told);
}

/* A node that keeps to no order is broken or hostile: it is let go. */
static void on_known_message(
    struct node_server *server, struct record *record, struct message *message)
{
	const struct node *node = node_of(server, record);

	gone_on_message(&record->ear, control_steady_ms());
	record->live.last_seen_ms = control_now_ms();
	switch (message->type) {
	case MESSAGE_REPORT:
		on_report(server, record, &message->body.report);
		break;
	case MESSAGE_APPLIED:
		on_applied(server, record, &message->body.applied);
		break;
	case MESSAGE_EXPLAINED:
		explain_take(server->control->explains, node, &message->body.explained);
		break;
	case MESSAGE_REFUSED:
		on_refused(server, record, &message->body.refused);
		break;
	default:
		log_limited(LOG_LEVEL_WARN, 10, "node_out_of_order", "node=%s message=%s",
		    node->name, message_type_text(message->type));
		close_link(record);
		set_up(server, record, false);
		break;
	}
}

static void on_message(struct node_link *link, const char *text, size_t length)
{
	struct node_server *server = node_link_context(link);
	struct record *record = node_link_user(link);
	char quoted[REASON_BYTES], peer[ADDR_TEXT_BYTES];
	struct model_error error;
	struct message message;

	if (message_decode(text, length, &message, &error) < 0) {
		log_limited(LOG_LEVEL_WARN, 10, "node_malformed", "peer=%s field=%s reason=%s",
		    addr_format(node_link_peer(link), peer, sizeof(peer)),
		    log_quote(quoted, sizeof(quoted) / 2, error.field), error.reason);
		deny(server, link, record ? node_of(server, record)->name : "?", error.reason);
		if (record) {
			record->link = NULL;
			set_up(server, record, false);
		}
		return;
	}
	if (record)
		on_known_message(server, record, &message);
	else if (message.type == MESSAGE_HELLO)
		on_hello(server, link, &message.body.hello);
	else
		deny(server, link, "?", "the first message must be hello");
	message_clear(&message);
}

static void on_closed(struct node_link *link)
{
	struct node_server *server = node_link_context(link);
	struct record *record = node_link_user(link);

	if (!record)
		return;
	record->link = NULL;
	set_up(server, record, false);
	if (store_seen_node(server->control->store, record->node_id, record->live.last_seen_ms) < 0)
		log_limited(LOG_LEVEL_WARN, 1, "seen_not_saved", "reason=\"%s\"",
		    store_error(server->control->store));
}

static void on_identity(void *context, const uint8_t pin[PIN_BYTES])
{
	struct node_server *server = context;

	memcpy(server->control->pin, pin, PIN_BYTES);
	if (!server->has_identity)
		server->on_ready(server->control);
	server->has_identity = true;
}

static const struct node_link_callbacks callbacks = {on_identity, on_message, on_closed};

/* ---- time ---- */

/* What stood in the way (a port in use, a full disk) may be gone. */
static void offer_again(struct node_server *server, struct record *record, uint64_t now_ms)
{
	const struct node_live *live = &record->live;

	if (record->link && live->refused_revision
	    && live->refused_revision == live->wanted_revision
	    && now_ms - record->refused_ms >= REFUSED_RETRY_MS) {
		record->refused_ms = now_ms;
		push_config(server, record, DRAIN_DEFAULT_S, true);
	}
}

/* The endpoints that are gone, of those `silent`: to a listener with tunnels to them, which may wait for them. */
static void tell_gone(struct node_server *server, struct record *to, struct record *const *silent,
    size_t silent_count, uint64_t now_ms)
{
	const struct installation *installation = &server->control->installation;
	struct message message = {.type = MESSAGE_GONE, .body.gone.report_us = to->report_us};
	struct message_gone *gone = &message.body.gone;
	const struct node *node = node_of(server, to);

	if (!to->link || !node || now_ms - to->told_gone_ms < GONE_REPEAT_MS)
		return;
	gone->nodes = calloc(silent_count, sizeof(*gone->nodes));
	for (size_t i = 0; gone->nodes && i < silent_count; i++) {
		const struct node *other = node_of(server, silent[i]);

		if (gone_is_told(&silent[i]->ear, silent[i]->tunnel_ms, &to->ear, now_ms)
		    && installation_has_tunnel(installation, node, other))
			memcpy(gone->nodes[gone->node_count++].text, other->name, NAME_BYTES);
	}
	if (gone->node_count) {
		to->told_gone_ms = now_ms;
		send_message(to->link, &message);
	}
	free(gone->nodes);
}

static void judge_silence(struct node_server *server, uint64_t now_ms)
{
	struct record *silent[NODES_MAX];
	size_t silent_count = 0;

	for (size_t i = 0; i < server->count; i++) {
		struct record *record = server->records[i];

		if (now_ms - record->ear.heard_ms < NODE_SILENT_MS || !node_of(server, record))
			continue;
		set_up(server, record, false);
		record->tunnel_ms =
		    tunnels_up_ms(server->control->tunnels, node_of(server, record));
		silent[silent_count++] = record;
	}
	for (size_t i = 0; silent_count && i < server->count; i++)
		tell_gone(server, server->records[i], silent, silent_count, now_ms);
}

/* Control that stood still heard nobody meanwhile, which says nothing of nodes. */
static void note_check(struct node_server *server, uint64_t now_ms)
{
	if (now_ms - server->checked_ms >= STOOD_STILL_MS)
		server->judges_ms = now_ms + NODE_SILENT_MS;
	server->checked_ms = now_ms;
}

static void on_check(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct node_server *server = timer->data;
	uint64_t now_ms = control_steady_ms();

	(void)loop;
	(void)events;
	note_check(server, now_ms);
	for (size_t i = 0; i < server->count; i++) {
		struct record *record = server->records[i];

		if (record->link && now_ms - record->ear.heard_ms >= LINK_SILENT_MS)
			close_link(record);
		offer_again(server, record, now_ms);
	}
	if (now_ms >= server->judges_ms)
		judge_silence(server, now_ms);
}

int node_server_new(struct control *control, const struct addr *local, const char *state_directory,
    node_server_ready_fn *on_ready)
{
	struct node_server *server = calloc(1, sizeof(*server));
	int result;

	if (!server)
		return ERR_NOMEM;
	server->control = control;
	server->on_ready = on_ready;
	control->nodes = server;
	server->checked_ms = control_steady_ms();
	ev_timer_init(&server->check, on_check, CHECK_MS * 1e-3, CHECK_MS * 1e-3);
	server->check.data = server;
	ev_timer_start(control->loop, &server->check);
	result = node_links_new(
	    &server->links, control->loop, local, state_directory, &callbacks, server);
	if (result < 0)
		return result;
	node_server_push(server, DRAIN_DEFAULT_S);
	return 0;
}

void node_server_free(struct node_server *server)
{
	if (!server)
		return;
	node_links_free(server->links);
	ev_timer_stop(server->control->loop, &server->check);
	for (size_t i = 0; i < server->count; i++)
		record_free(server->records[i]);
	server->control->nodes = NULL;
	free(server);
}
