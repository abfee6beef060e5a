/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node and control say to each other: hello, with the token's secret while joining; configs,
 * each answered; a report each second; and the end of it when control removed the node.  Who is
 * enrolled serves on whatever becomes of control; who is not ends when control says no.
 */
#include "config.h"

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "net/node_health.h"
#include "net/node_machine.h"
#include "net/node_private.h"
#include "net/pacing_timer.h"
#include "net/tunnel_totals.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_FILE_BYTES_MAX = 4096 };

static const char *const counter_names[NODE_COUNTER_COUNT] = {
    [NODE_WORKER_RESTARTS] = "worker_restarts",
    [NODE_KEYS_RESTARTS] = "keys_restarts",
    [NODE_HEALTH_RESTARTS] = "health_restarts",
    [NODE_CONFIGS_APPLIED] = "configs_applied",
    [NODE_CONFIGS_REFUSED] = "configs_refused",
    [NODE_CONTROL_CONNECTIONS] = "control_connections",
};

void node_control_send(struct node *node, const struct message *message)
{
	int result = control_client_send(node->control, message);

	if (result < 0 && result != ERR_STATE)
		log_warn("message_not_sent", "type=%s error=\"%s\"",
		    message_type_text(message->type), err_text(result));
}

/* ---- hello ---- */

static int fill_binds(const struct node *node, struct message_hello *hello)
{
	static const char *const any[] = {"0.0.0.0", "::"};
	size_t count = node->options.bind_count ? node->options.bind_count : 2;

	if (node->program->role != NODE_LISTENER)
		return 0;
	hello->binds = calloc(count, sizeof(*hello->binds));
	if (!hello->binds)
		return ERR_NOMEM;
	hello->bind_count = count;
	for (size_t i = 0; i < count; i++)
		snprintf(hello->binds[i].text, NAME_BYTES, "%s",
		    node->options.bind_count ? node->options.binds[i] : any[i]);
	return 0;
}

static void on_open(void *context)
{
	struct node *node = context;
	struct message message = {.type = MESSAGE_HELLO};
	struct message_hello *hello = &message.body.hello;
	char tunnel[ADDR_TEXT_BYTES];

	node->was_open = true;
	node->counters[NODE_CONTROL_CONNECTIONS]++;
	hello->protocol = CONTROL_PROTOCOL;
	hello->role = node->program->role;
	hello->slots = node->workers;
	hello->instance = node->parameters.instance;
	hello->config = node->newest;
	memcpy(hello->secret, node->secret, JOIN_SECRET_BYTES);
	snprintf(hello->name, NAME_BYTES, "%s", node->name);
	snprintf(hello->version, VERSION_BYTES, "%s", PACKAGE_VERSION);
	if (node->program->role == NODE_ENDPOINT) {
		addr_format(&node->tunnel.local, tunnel, sizeof(tunnel));
		snprintf(hello->tunnel, NAME_BYTES, "%s", tunnel);
		if (node->options.advertise)
			snprintf(hello->advertise, NAME_BYTES, "%s", node->options.advertise);
	}
	if (fill_binds(node, hello) == 0)
		node_control_send(node, &message);
	free(hello->binds);
	sodium_memzero(hello->secret, JOIN_SECRET_BYTES);
}

/* ---- what control says ---- */

static void on_welcome(struct node *node, const struct message_welcome *welcome)
{
	bool is_new = !node->is_enrolled || strcmp(node->enrolment.name, welcome->name) != 0
	              || !sodium_is_zero(node->secret, JOIN_SECRET_BYTES);

	log_info("control_connected", "name=%s region=%s", welcome->name, welcome->region);
	node->last_why[0] = '\0';
	snprintf(node->name, NAME_BYTES, "%s", welcome->name);
	snprintf(node->enrolment.name, NAME_BYTES, "%s", welcome->name);
	if (is_new && node_store_save_enrolment(node->options.state, &node->enrolment) < 0) {
		/* The secret is used up: without this file the next start could not join. */
		log_error("enrolment_not_saved", "state=%s error=\"%s\"", node->options.state,
		    strerror(errno));
		if (!node->is_enrolled) {
			node_end(node, EXIT_FAILED);
			return;
		}
	}
	node->is_enrolled = true;
	sodium_memzero(node->secret, JOIN_SECRET_BYTES);
}

static void on_denied(struct node *node, const struct message_reason *denied)
{
	char reason[REASON_BYTES];

	log_quote(reason, sizeof(reason), denied->reason);
	if (!node->is_enrolled) {
		log_error("join_denied", "reason=%s", reason);
		node_end(node, EXIT_FAILED);
		return;
	}
	node->was_denied = true;
	if (strcmp(node->last_why, denied->reason) != 0)
		log_error("control_denied", "reason=%s serving=%d", reason, node->has_config);
	snprintf(node->last_why, sizeof(node->last_why), "%s", denied->reason);
}

static bool all_serve(const struct node *node)
{
	for (unsigned i = 0; i < node->workers; i++)
		if (config_number_compare(&node->places[i].serving, &node->config.number) != 0)
			return false;
	return true;
}

void node_control_serving(struct node *node)
{
	struct message answer = {
	    .type = MESSAGE_APPLIED, .body.applied.number = node->config.number};

	if (!node->owes_answer || !all_serve(node))
		return;
	node->owes_answer = false;
	node_control_send(node, &answer);
}

/* That it is applied is said when every worker serves by it; that it is refused, at once. */
static void on_config(struct node *node, struct node_config *config)
{
	struct message answer = {.type = MESSAGE_REFUSED};
	struct config_number number = config->number;
	char reason[REASON_BYTES] = "", quoted[REASON_BYTES];
	int result;

	if (config_number_compare(&number, &node->sent) > 0)
		node->sent = number;
	result = node_apply_is_known(node, config) ? 0 : node_apply(node, config, reason);
	if (result == 0) {
		node->owes_answer = true;
		node_control_serving(node);
		return;
	}
	log_limited(LOG_LEVEL_ERROR, 5, "config_refused",
	    "incarnation=%" PRIu64 " revision=%" PRIu64 " reason=%s", number.incarnation,
	    number.revision, log_quote(quoted, sizeof(quoted), reason));
	answer.body.refused.number = number;
	snprintf(answer.body.refused.reason, REASON_BYTES, "%s", reason);
	node_control_send(node, &answer);
}

static void on_removed(struct node *node, const struct message_reason *removed)
{
	char reason[REASON_BYTES];

	log_error("node_removed", "reason=%s fix=\"join again with a new token\"",
	    log_quote(reason, sizeof(reason), removed->reason));
	node_store_forget(node->options.state);
	node_end(node, EXIT_FAILED);
}

static void on_message(void *context, struct message *message)
{
	struct node *node = context;

	switch (message->type) {
	case MESSAGE_WELCOME:
		on_welcome(node, &message->body.welcome);
		break;
	case MESSAGE_DENIED:
		on_denied(node, &message->body.denied);
		break;
	case MESSAGE_CONFIG:
		if (node->phase == NODE_SERVING && node->is_enrolled)
			on_config(node, &message->body.config);
		break;
	case MESSAGE_EXPLAIN:
		node_explain_ask(node->explain, &message->body.explain);
		break;
	case MESSAGE_GONE:
		node_children_gone(node, &message->body.gone);
		break;
	case MESSAGE_REMOVED:
		on_removed(node, &message->body.removed);
		break;
	default:
		log_warn("unexpected_message", "type=%s", message_type_text(message->type));
	}
}

/* One line for each reason in a row; who joins with a wrong pin is told at once. */
static void on_closed(void *context, int reason, const char *why)
{
	struct node *node = context;
	bool is_news = node->was_open || strcmp(node->last_why, why) != 0;
	bool was_denied = node->was_denied;
	char quoted[REASON_BYTES];

	node->was_open = node->was_denied = false;
	if (reason == ERR_AUTH && !node->is_enrolled) {
		log_error("join_failed",
		    "reason=%s fix=\"control's key is not the token's: make a new token\"",
		    log_quote(quoted, sizeof(quoted), why));
		node_end(node, EXIT_FAILED);
		return;
	}
	if (was_denied) /* control's own words were logged */
		return;
	snprintf(node->last_why, sizeof(node->last_why), "%s", why);
	if (is_news && node->phase == NODE_SERVING)
		log_warn("control_unreachable", "address=%s reason=%s serving=%d",
		    node->enrolment.addresses[0], log_quote(quoted, sizeof(quoted), why),
		    node->has_config);
}

/* ---- where control is ---- */

static int read_token_file(const char *path, char text[JOIN_TOKEN_TEXT_BYTES])
{
	char *data;
	size_t length;
	int result = file_read(path, TOKEN_FILE_BYTES_MAX, &data, &length);

	if (result < 0)
		return result;
	snprintf(text, JOIN_TOKEN_TEXT_BYTES, "%s", data);
	sodium_memzero(data, length);
	free(data);
	return 0;
}

/* Of --join TOKEN|@FILE.  *is_read tells a file that cannot be read from a text that is no token. */
static int parse_token(const char *join, struct join_token *token, bool *is_read)
{
	char text[JOIN_TOKEN_TEXT_BYTES];
	int result = 0;

	if (join[0] == '@')
		result = read_token_file(join + 1, text);
	else
		snprintf(text, sizeof(text), "%s", join);
	*is_read = result == 0;
	if (result == 0)
		result = join_token_parse(text, token);
	sodium_memzero(text, sizeof(text));
	return result;
}

static int read_token(const struct node *node, struct join_token *token)
{
	const char *join = node->options.join;
	bool is_read;
	int result = parse_token(join, token, &is_read);

	if (result < 0 && !is_read)
		log_error("token_not_read", "file=%s error=\"%s\"", join + 1,
		    result == ERR_IO ? strerror(errno) : err_text(result));
	else if (result < 0)
		log_error("token_unusable", "reason=\"%s\" fix=\"%s\"",
		    result == ERR_UNSUPPORTED ? "it is of another version"
		                              : "part of it is missing or wrong",
		    "copy it whole, or make one by `trunkctl node token`");
	return result;
}

static void take_secret(struct node *node, struct join_token *token)
{
	memcpy(node->secret, token->secret, JOIN_SECRET_BYTES);
	sodium_memzero(token->secret, JOIN_SECRET_BYTES);
}

static int join(struct node *node)
{
	struct join_token token;
	int result = read_token(node, &token);

	if (result < 0)
		return result;
	if (token.role != node->program->role) {
		log_error("join_denied",
		    "reason=\"the token is for %s\" fix=\"trunkctl node token --role %s\"",
		    node_role_phrase(token.role), node_role_text(node->program->role));
		return ERR_INVALID;
	}
	node->enrolment.role = token.role;
	memcpy(node->enrolment.addresses, token.addresses, sizeof(token.addresses));
	node->enrolment.address_count = token.address_count;
	memcpy(node->enrolment.control_pin, token.control_pin, PIN_BYTES);
	take_secret(node, &token);
	return 0;
}

/*
 * The token on the command line of a node that has joined is its old one, of which control ignores
 * the secret and which may tell an address that is given up; or a new one, for a control that does
 * not know the node any more, or is at another address by now.
 */
static void offer_token(struct node *node)
{
	struct join_token token;
	bool is_read;

	if (!node->options.join || parse_token(node->options.join, &token, &is_read) < 0)
		return;
	if (memcmp(token.control_pin, node->enrolment.control_pin, PIN_BYTES) != 0)
		log_warn("token_ignored",
		    "reason=\"it is of another control than the one that this node joined\" "
		    "fix=\"to join that one remove %s/control.json\"",
		    node->options.state);
	else if (token.role == node->program->role) {
		node_store_add_addresses(&node->enrolment, &token);
		take_secret(node, &token);
	}
	sodium_memzero(&token, sizeof(token));
}

static int find_control(struct node *node)
{
	int result = node_store_load_enrolment(node->options.state, &node->enrolment);

	if (result == 0 && node->enrolment.role != node->program->role) {
		log_error("wrong_role", "state=%s role=%s fix=\"use another --state\"",
		    node->options.state, node_role_text(node->enrolment.role));
		return ERR_INVALID;
	}
	if (result == 0) {
		offer_token(node);
		node->is_enrolled = true;
		snprintf(node->name, NAME_BYTES, "%s", node->enrolment.name);
		return 0;
	}
	if (result != ERR_NOT_FOUND) {
		log_error("enrolment_unusable", "state=%s error=\"%s\"", node->options.state,
		    result == ERR_IO ? strerror(errno) : err_text(result));
		return result;
	}
	if (node->options.join)
		return join(node);
	log_error("not_joined",
	    "state=%s fix=\"start it once with --join TOKEN, see `trunkctl "
	    "node token`\"",
	    node->options.state);
	return ERR_NOT_FOUND;
}

static struct ipc *keys_channel(void *context)
{
	struct node *node = context;
	struct process *keys =
	    node->supervisor ? supervisor_process(node->supervisor, PROCESS_KEYS, 0) : NULL;

	return keys ? process_channel(keys) : NULL;
}

int node_control_open(struct node *node)
{
	static const struct control_client_callbacks callbacks = {on_open, on_message, on_closed};
	struct control_client_config config = {
	    .loop = node->loop,
	    .keys_channel = keys_channel,
	    .callbacks = &callbacks,
	    .context = node,
	};
	int result = find_control(node);

	if (result < 0)
		return result;
	config.addresses = (const char(*)[NAME_BYTES])node->enrolment.addresses;
	config.address_count = node->enrolment.address_count;
	memcpy(config.pin, node->enrolment.control_pin, PIN_BYTES);
	result = control_client_new(&node->control, &config);
	if (result < 0)
		log_error("control_client_failed", "error=\"%s\"", err_text(result));
	return result;
}

void node_control_report(struct node *node)
{
	struct node_report_counter counters[NODE_COUNTER_COUNT];
	const struct page *pages[NODE_WORKERS_MAX];
	struct message message = {.type = MESSAGE_REPORT};

	for (size_t i = 0; i < NODE_COUNTER_COUNT; i++)
		counters[i] = (struct node_report_counter){counter_names[i], node->counters[i]};
	for (unsigned i = 0; i < node->workers; i++)
		pages[i] = node->places[i].page;
	if (node_report_make(node->report, pages, node->has_config ? &node->config : NULL, counters,
	        NODE_COUNTER_COUNT, pacing_timer_now_us(), &message.body.report)
	    < 0)
		return;
	if (node->has_config)
		tunnel_totals_take(node->totals, pages, &node->config);
	node_health_report(node, &message.body.report);
	node_machine_read(&node->tunnel, &message.body.report.machine);
	message.body.report.made_us = pacing_timer_now_us();
	if (node->is_enrolled && control_client_is_open(node->control))
		node_control_send(node, &message);
	message_clear(&message);
}
