/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command table of trunkctl: what can be typed, and which function does it.
 */
#include "cli/commands.h"

#define BACKEND_GRAMMAR "REGION=HOST[:PORT][,weight=N]"
#define DIAL_GRAMMAR    "REGION=PCT"
#define HEALTH_GRAMMAR  "[REGION=]CHECK[,interval=TIME,timeout=TIME,rise=N,fall=N]"
#define LIMIT_GRAMMAR   "LIMIT=N[,...]"
#define LABELS_GRAMMAR  "KEY=VALUE[,...]"
#define ORDER_GRAMMAR   "nearest|REGION[,...]"
#define ALLOW_GRAMMAR   "all|CIDR[,...]"
#define DENY_GRAMMAR    "none|CIDR[,...]"
#define WATCH           "anew whenever something changes, until q or Ctrl-C"
#define TRAFFIC_CLASSES "realtime|interactive|bulk|auto"

static const struct command_option globals[] = {
    {.name = "--control",
        .metavar = "unix:PATH|URL",
        .help = "where control's API is [TRUNKLINE_CONTROL, unix:/run/trunkline/control.sock]"},
    {.name = "--pin",
        .metavar = "PIN",
        .help = "which key an https:// URL's server must have [TRUNKLINE_PIN]"},
    {.name = "--token-file",
        .metavar = "FILE",
        .help = "whose first word is the token to ask with [TRUNKLINE_TOKEN]"},
    {.name = "--context",
        .metavar = "FILE",
        .help = "a file of these [TRUNKLINE_CONTEXT, ~/.config/trunkline/context.yaml]"},
    {.name = "-o", .metavar = "table|json|yaml", .help = "how to print [table]"},
    {.name = NULL},
};

static const struct command_option api_token_options[] = {
    {.name = "--name", .metavar = "NAME", .help = "what it is for", .is_required = true},
    {.name = "--role",
        .metavar = "viewer|operator|admin",
        .help = "what it may do: look; change accelerators and tunnels; everything",
        .is_required = true},
    {.name = "--ttl", .metavar = "TIME", .help = "how long it is good, as 12h, 30d [90d]"},
    {.name = NULL},
};

static const struct command_option event_options[] = {
    {.name = "--kinds",
        .metavar = "revision|node|config|health|drain|audit|tunnels[,...]",
        .help = "what to tell of; tunnels are measurements [all but audit and tunnels]"},
    {.name = "--since", .metavar = "REVISION", .help = "first the changes after that one"},
    {.name = NULL},
};

static const struct command_option audit_options[] = {
    {.name = "--limit", .metavar = "N", .help = "the newest N, up to 1000 [20]"},
    {.name = "--watch", .help = WATCH},
    {.name = NULL},
};

static const struct command_option list_options[] = {
    {.name = "--watch", .help = WATCH},
    {.name = NULL},
};

static const struct command_option token_options[] = {
    {.name = "--role",
        .metavar = "listener|endpoint",
        .help = "what the node will be",
        .is_required = true},
    {.name = "--region",
        .metavar = "REGION",
        .help = "where the node is; any name",
        .is_required = true},
    {.name = "--ttl", .metavar = "TIME", .help = "how long the token is good, as 90s, 1h [1h]"},
    {.name = NULL},
};

static const struct command_option drain_options[] = {
    {.name = "--wait", .help = "until it has no flows, telling how many are left"},
    {.name = "--timeout", .metavar = "TIME", .help = "wait at most so long [10m]"},
    {.name = NULL},
};

static const struct command_option create_options[] = {
    {.name = "--disabled", .help = "not to be served before accelerator enable"},
    {.name = "--protocol",
        .metavar = "tcp|udp|tcp+udp",
        .help = "what users speak to it",
        .is_required = true},
    {.name = "--ports",
        .metavar = "PORTS",
        .help = "ports and ranges, as 80,8000-8010",
        .is_required = true},
    {.name = "--listen",
        .metavar = "REGION[,...]",
        .help = "regions whose listeners serve it",
        .is_required = true},
    {.name = "--backend",
        .metavar = BACKEND_GRAMMAR,
        .help = "a server behind it, once for each [weight=128]",
        .is_required = true,
        .is_repeated = true},
    {.name = "--dial",
        .metavar = DIAL_GRAMMAR,
        .help = "percent of the flows that come to a region's group that it takes [100]",
        .is_repeated = true},
    {.name = "--failover-order",
        .metavar = ORDER_GRAMMAR,
        .help = "which group is asked first; those not named follow, nearest first [nearest]"},
    {.name = "--affinity",
        .metavar = "none|source",
        .help = "source: all flows of a user address go to the same backend [none]"},
    {.name = "--health",
        .metavar = HEALTH_GRAMMAR,
        .help = "how backends are asked for their health [tcp for TCP, none for UDP]",
        .is_repeated = true},
    {.name = "--allow",
        .metavar = ALLOW_GRAMMAR,
        .help = "who may use it; the longest prefix of both lists decides [all]"},
    {.name = "--deny", .metavar = DENY_GRAMMAR, .help = "who may not [none]"},
    {.name = "--idle-timeout",
        .metavar = "[tcp=|udp=]TIME",
        .help = "when a silent flow ends [tcp=1h udp=60s]",
        .is_repeated = true},
    {.name = "--udp-flows-per-source",
        .metavar = "N",
        .help = "UDP flows that one user address may have at a listener [1000]"},
    {.name = "--limit",
        .metavar = LIMIT_GRAMMAR,
        .help = "what users may take of a node, 0 for no limit [none]",
        .is_repeated = true},
    {.name = "--class",
        .metavar = TRAFFIC_CLASSES,
        .help = "how its flows are treated; auto: TCP interactive, UDP realtime [auto]"},
    {.name = "--repair-budget",
        .metavar = "PCT",
        .help = "percent of a lane's bytes that may repair loss, 0 for none [30]"},
    {.name = "--deadline",
        .metavar = "MS",
        .help = "a datagram that is older is dropped, 0 for none [0]"},
    {.name = "--compression", .metavar = "off|lz4", .help = "of its TCP flows [off]"},
    {.name = "--all-unhealthy",
        .metavar = "refuse|fail-open",
        .help = "without a healthy backend: no new flows, or as if all were healthy [refuse]"},
    {.name = "--udp-failover",
        .metavar = "on|off",
        .help = "on: UDP flows whose backend or endpoint fails go on at another one [on]"},
    {.name = "--label",
        .metavar = LABELS_GRAMMAR,
        .help = "by which accelerator list finds it",
        .is_repeated = true},
    {.name = "--comment", .metavar = "TEXT", .help = "a line for whoever looks at it"},
    {.name = NULL},
};

static const struct command_option update_options[] = {
    {.name = "--protocol", .metavar = "tcp|udp|tcp+udp", .help = "another protocol"},
    {.name = "--ports", .metavar = "PORTS", .help = "all its ports anew"},
    {.name = "--listen", .metavar = "REGION[,...]", .help = "all its listening regions anew"},
    {.name = "--backend",
        .metavar = BACKEND_GRAMMAR,
        .help = "all its backends anew, once for each",
        .is_repeated = true},
    {.name = "--add-backend",
        .metavar = BACKEND_GRAMMAR,
        .help = "one more backend",
        .is_repeated = true},
    {.name = "--remove-backend",
        .metavar = "BACKEND",
        .help = "a backend no more, as REGION=HOST[:PORT]",
        .is_repeated = true},
    {.name = "--weight",
        .metavar = "BACKEND,N",
        .help = "another weight for a backend, 0 for no new flows",
        .is_repeated = true},
    {.name = "--dial",
        .metavar = DIAL_GRAMMAR,
        .help = "percent of the flows that come to a region's group that it takes",
        .is_repeated = true},
    {.name = "--failover-order",
        .metavar = ORDER_GRAMMAR,
        .help = "which group is asked first; those not named follow, nearest first"},
    {.name = "--affinity",
        .metavar = "none|source",
        .help = "source: all flows of a user address go to the same backend"},
    {.name = "--health",
        .metavar = HEALTH_GRAMMAR,
        .help = "how backends are asked for their health",
        .is_repeated = true},
    {.name = "--allow",
        .metavar = ALLOW_GRAMMAR,
        .help = "all who may use it anew; the longest prefix of both lists decides"},
    {.name = "--deny", .metavar = DENY_GRAMMAR, .help = "all who may not anew"},
    {.name = "--idle-timeout",
        .metavar = "[tcp=|udp=]TIME",
        .help = "when a silent flow ends",
        .is_repeated = true},
    {.name = "--udp-flows-per-source",
        .metavar = "N",
        .help = "UDP flows that one user address may have"},
    {.name = "--limit",
        .metavar = LIMIT_GRAMMAR,
        .help = "what users may take of a node, 0 for no limit; others stay",
        .is_repeated = true},
    {.name = "--class", .metavar = TRAFFIC_CLASSES, .help = "how its flows are treated"},
    {.name = "--repair-budget",
        .metavar = "PCT",
        .help = "percent of a lane's bytes that may repair loss, 0 for none"},
    {.name = "--deadline",
        .metavar = "MS",
        .help = "a datagram that is older is dropped, 0 for none"},
    {.name = "--compression", .metavar = "off|lz4", .help = "of its TCP flows"},
    {.name = "--all-unhealthy",
        .metavar = "refuse|fail-open",
        .help = "without a healthy backend: no new flows, or as if all were healthy"},
    {.name = "--udp-failover",
        .metavar = "on|off",
        .help = "on: UDP flows whose backend or endpoint fails go on at another one"},
    {.name = "--label",
        .metavar = LABELS_GRAMMAR,
        .help = "new labels, or new values of them; others stay",
        .is_repeated = true},
    {.name = "--remove-label",
        .metavar = "KEY[,...]",
        .help = "labels no more",
        .is_repeated = true},
    {.name = "--comment", .metavar = "TEXT", .help = "another comment; an empty one for none"},
    {.name = "--now", .help = "end flows of what is removed at once, without the drain time"},
    {.name = NULL},
};

static const struct command_option accelerator_list_options[] = {
    {.name = "--watch", .help = "anew whenever something changes, until q or Ctrl-C"},
    {.name = "--label",
        .metavar = "KEY=VALUE[,KEY!=VALUE...]",
        .help = "only those of whose labels all of this is true"},
    {.name = NULL},
};

static const struct command_option tunnel_options[] = {
    {.name = "--congestion",
        .metavar = "bbr|cubic|fixed:RATE",
        .help = "how its lanes share the path; RATE of a leased line, as 200mbit"},
    {.name = "--trace",
        .metavar = "on|off",
        .help = "each node writes every packet of its lanes to STATE/traces/*.jsonl"},
    {.name = NULL},
};

static const struct command_option delete_options[] = {
    {.name = "--now", .help = "end its flows at once, without the drain time"},
    {.name = NULL},
};

static const struct command_option apply_options[] = {
    {.name = "-f",
        .metavar = "FILE",
        .help = "objects in YAML or JSON, - for stdin",
        .is_required = true},
    {.name = "--dry-run", .help = "only say what would be done"},
    {.name = "--prune", .help = "delete what the file does not state"},
    {.name = "--now", .help = "end flows of what is removed at once, without the drain time"},
    {.name = "--confirm",
        .metavar = "TIME",
        .help = "go back by itself unless trunkctl confirm comes in that time, as 60s"},
    {.name = NULL},
};

static const struct command_option history_options[] = {
    {.name = "--limit", .metavar = "N", .help = "how many of the newest [20]"},
    {.name = "--watch", .help = WATCH},
    {.name = NULL},
};

static const struct command_option rollback_options[] = {
    {.name = "--dry-run", .help = "only say what would be done"},
    {.name = "--now", .help = "end flows of what is removed at once, without the drain time"},
    {.name = NULL},
};

static const struct command_option wait_options[] = {
    {.name = "--revision", .metavar = "REVISION", .help = "the one to wait for [the newest]"},
    {.name = "--timeout", .metavar = "TIME", .help = "how long at most [60s]"},
    {.name = NULL},
};

static const struct command_option diff_options[] = {
    {.name = "-f",
        .metavar = "FILE",
        .help = "objects in YAML or JSON, - for stdin",
        .is_required = true},
    {.name = "--prune", .help = "as apply --prune: what is not stated goes"},
    {.name = NULL},
};

static const struct command_option flow_options[] = {
    {.name = "--to",
        .metavar = "PORT|ACCELERATOR",
        .help = "what the flow goes to; without it only a live one is found"},
    {.name = "--at", .metavar = "LISTENER", .help = "the listener where it comes in [any]"},
    {.name = "--protocol",
        .metavar = "tcp|udp",
        .help = "which of them, where the accelerator takes both [tcp]"},
    {.name = NULL},
};

static const struct command commands[] = {
    {"node", "token", {NULL}, "make a one-time token with which a new node joins", token_options,
        node_token},
    {"node", "list", {NULL}, "all listeners and endpoints", list_options, node_list},
    {"node", "show", {"NODE"}, "one node", NULL, node_show},
    {"node", "drain", {"NODE"}, "let a node take no new flows; those that it has stay",
        drain_options, node_drain},
    {"node", "undrain", {"NODE"}, "let a drained node take new flows again", NULL, node_undrain},
    {"node", "remove", {"NODE"}, "forget a node's key; its tunnels close at once", NULL,
        node_remove},
    {"accelerator", "create", {"NAME"}, "make an accelerator", create_options, accelerator_create},
    {"accelerator", "list", {NULL}, "all accelerators", accelerator_list_options, accelerator_list},
    {"accelerator", "show", {"ACCELERATOR"}, "one accelerator, and what each node made of it", NULL,
        accelerator_show},
    {"accelerator", "update", {"ACCELERATOR"}, "change what is named, leave the rest",
        update_options, accelerator_update},
    {"accelerator", "enable", {"ACCELERATOR"}, "let the nodes serve it again", NULL,
        accelerator_enable},
    {"accelerator", "disable", {"ACCELERATOR"}, "close its ports, and keep them for it",
        delete_options, accelerator_disable},
    {"accelerator", "delete", {"ACCELERATOR"}, "delete an accelerator", delete_options,
        accelerator_delete},
    {"tunnel", "list", {NULL}, "all tunnels with round trips, loss and traffic", list_options,
        tunnel_list},
    {"tunnel", "show", {"LISTENER", "ENDPOINT"}, "one tunnel, with its lanes", NULL, tunnel_show},
    {"tunnel", "update", {"LISTENER", "ENDPOINT"}, "change how a tunnel works, while it runs",
        tunnel_options, tunnel_update},
    {"tunnel", "watch", {NULL}, "as tunnel list --watch", NULL, tunnel_watch},
    {"apply", NULL, {NULL}, "make everything as a file states it, all of it or nothing",
        apply_options, apply_file},
    {"diff", NULL, {NULL}, "what apply would change; exit code 5 when there is something",
        diff_options, diff_file},
    {"get", NULL, {"[KIND]", "[OBJECT]"}, "objects as stated; with -o yaml as apply takes them",
        NULL, get_objects},
    {"explain", NULL, {"[KIND[.FIELD]]"}, "what can be stated: kinds, fields, limits, defaults",
        NULL, explain_kind},
    {"explain", "flow", {"ADDR:PORT"}, "where a user's flow goes, live or not, and why there",
        flow_options, explain_flow},
    {"token", "create", {NULL}, "make a token with which to ask over the network",
        api_token_options, token_create},
    {"token", "list", {NULL}, "all tokens, without their secrets", list_options, token_list},
    {"token", "revoke", {"TOKEN"}, "make a token worthless at once", NULL, token_revoke},
    {"history", NULL, {"[REVISION]"}, "the latest changes, or what one of them changed",
        history_options, history_show},
    {"rollback", NULL, {"REVISION"}, "make accelerators and tunnels as they were after a revision",
        rollback_options, rollback_revision},
    {"confirm", NULL, {"[REVISION]"}, "keep the change that apply --confirm made", NULL,
        confirm_change},
    {"wait", NULL, {NULL}, "until all nodes have applied a revision", wait_options, wait_revision},
    {"events", NULL, {NULL}, "what happens, as it happens: changes, nodes, configs", event_options,
        events_follow},
    {"audit", NULL, {NULL}, "who changed what, or was refused", audit_options, audit_list},
    {"completion", "bash", {NULL}, "a script that completes trunkctl in bash", NULL,
        completion_script},
    {"completion", "zsh", {NULL}, "the same for zsh", NULL, completion_script},
    {"completion", "fish", {NULL}, "the same for fish", NULL, completion_script},
    {"completion", "words", {"[WORD...]"}, "what these scripts ask: what may be the last WORD",
        NULL, completion_words},
    {"backup", NULL, {"FILE"}, "write control's state to a file, while control runs", NULL,
        backup_make},
    {"adopt", NULL, {NULL}, "let nodes follow a control that was restored from a backup", NULL,
        adopt_nodes},
    {"manual", "commands", {NULL}, "the man page trunkctl-commands(1), made of this table", NULL,
        manual_commands},
    {"manual", "fields", {NULL}, "the man page trunkline-fields(5), made of what explain knows",
        NULL, manual_fields},
    {"status", NULL, {NULL}, "everything at a glance, and what needs attention", list_options,
        status_show},
    {"doctor", NULL, {NULL},
        "clocks, limits, tunnels, packet sizes, versions, configs: what is wrong; exit code 1 then",
        NULL, doctor_run},
    {.noun = NULL},
};

const struct command_table trunkctl_commands = {
    .program = "trunkctl",
    .commands = commands,
    .globals = globals,
};
