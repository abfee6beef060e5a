/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control's store: what is written is there after opening anew, what is rolled back is not. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "control/store.h"

#include <sodium.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/trunkline-store-XXXXXX";
static char path[64];
static struct store *store;
static char reason[REASON_BYTES];

static void remove_files(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char name[80];

	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
}

static int open_store(void **state)
{
	(void)state;
	remove_files();
	return store_open(&store, path, reason);
}

static int close_store(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	return 0;
}

static void reopen(void)
{
	store_close(store);
	if (store_open(&store, path, reason) < 0)
		fail_msg("%s", reason);
}

static struct accelerator decode(const char *name)
{
	struct accelerator accelerator;
	struct model_error error;
	char text[256];

	snprintf(text, sizeof(text),
	    "{\"name\": \"%s\", \"protocol\": \"tcp\", \"ports\": [\"80\"], \"listen\": "
	    "[\"tokyo\"], "
	    "\"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": [{\"host\": \"::1\"}]}]}",
	    name);
	assert_int_equal(
	    schema_from_json_text(&accelerator_schema, text, strlen(text), 0, &accelerator, NULL),
	    0);
	assert_int_equal(accelerator_validate(&accelerator, &error), 0);
	return accelerator;
}

static void begin(struct revision *revision)
{
	*revision = (struct revision){.when_ms = 5, .who = "me", .what = "something"};
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_add_revision(store, revision, NULL), 0);
}

static void new_database(void **state)
{
	struct installation one = {0}, two = {0};
	struct stat status;

	(void)state;
	assert_int_equal(store_load(store, &one), 0);
	assert_true(one.incarnation > 0 && one.seed <= INT64_MAX);
	assert_int_equal(one.revision, 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	reopen();
	assert_int_equal(store_load(store, &two), 0);
	assert_true(one.incarnation == two.incarnation && one.seed == two.seed);
}

static void nodes_and_accelerators_stay(void **state)
{
	struct node node = {.name = "fra-1",
	    .role = NODE_ENDPOINT,
	    .region = "oslo",
	    .pin = {1, 2},
	    .door_secret = {3},
	    .addresses = {{"192.0.2.1:7401"}, {"[::1]:7401"}},
	    .address_count = 2,
	    .slots = 2,
	    .version = "0.1",
	    .joined_ms = 7,
	    .last_seen_ms = 8};
	struct accelerator accelerator = decode("web");
	struct installation loaded = {0};
	struct revision revision;
	const struct node *found;

	(void)state;
	begin(&revision);
	assert_int_equal(store_put_node(store, &node), 0);
	assert_int_equal(store_put_accelerator(store, &accelerator, revision.number), 0);
	assert_int_equal(store_commit(store), 0);
	assert_true(node.id > 0 && accelerator.id > 0);
	reopen();
	assert_int_equal(store_load(store, &loaded), 0);
	assert_int_equal(loaded.revision, 1);
	found = installation_node(&loaded, "fra-1");
	assert_non_null(found);
	assert_memory_equal(found, &node, sizeof(node));
	assert_int_equal(installation_accelerator(&loaded, "web")->revision, 1);
	assert_int_equal(installation_accelerator(&loaded, "web")->accelerator.id, accelerator.id);
	installation_clear(&loaded);
	accelerator_clear(&accelerator);
}

static void rolled_back_is_not_there(void **state)
{
	struct accelerator accelerator = decode("web");
	struct installation loaded = {0};
	struct revision revision;

	(void)state;
	begin(&revision);
	assert_int_equal(store_put_accelerator(store, &accelerator, revision.number), 0);
	store_rollback(store);
	store_rollback(store);
	assert_int_equal(store_load(store, &loaded), 0);
	assert_int_equal(loaded.revision + loaded.accelerator_count, 0);
	accelerator_clear(&accelerator);
}

/* An id names an accelerator in tunnels that may still be there: it is never given twice. */
static void ids_are_not_given_twice(void **state)
{
	struct accelerator first = decode("one"), second = decode("two");
	struct revision revision;

	(void)state;
	begin(&revision);
	assert_int_equal(store_put_accelerator(store, &first, 1), 0);
	assert_int_equal(store_delete_accelerator(store, first.id), 0);
	assert_int_equal(store_put_accelerator(store, &second, 1), 0);
	assert_int_equal(store_commit(store), 0);
	assert_true(second.id > first.id);
	accelerator_clear(&first);
	accelerator_clear(&second);
}

static void names_are_unique(void **state)
{
	struct accelerator first = decode("same"), second = decode("same");
	struct revision revision;

	(void)state;
	begin(&revision);
	assert_int_equal(store_put_accelerator(store, &first, 1), 0);
	assert_int_equal(store_put_accelerator(store, &second, 1), ERR_IO);
	assert_non_null(strstr(store_error(store), "UNIQUE"));
	store_rollback(store);
	accelerator_clear(&first);
	accelerator_clear(&second);
}

static uint32_t put_node(const char *name, enum node_role role)
{
	struct node node = {.role = role, .region = "oslo", .slots = 1};

	snprintf(node.name, sizeof(node.name), "%s", name);
	memcpy(node.pin, name, 5);
	assert_int_equal(store_put_node(store, &node), 0);
	return node.id;
}

/* A setting is replaced by the next, survives, and goes with either node. */
static void tunnels(void **state)
{
	struct tunnel_setting setting = {.congestion = "cubic", .revision = 7};
	struct installation loaded = {0};

	(void)state;
	setting.listener = put_node("tyo-1", NODE_LISTENER);
	setting.endpoint = put_node("osl-1", NODE_ENDPOINT);
	assert_int_equal(store_put_tunnel(store, &setting, 7), 0);
	strcpy(setting.congestion, "fixed:2mbit");
	setting.is_traced = true;
	assert_int_equal(store_put_tunnel(store, &setting, 7), 0);
	reopen();
	assert_int_equal(store_load(store, &loaded), 0);
	assert_int_equal(loaded.tunnel_setting_count, 1);
	assert_int_equal(loaded.tunnel_settings[0].listener, setting.listener);
	assert_int_equal(loaded.tunnel_settings[0].endpoint, setting.endpoint);
	assert_string_equal(loaded.tunnel_settings[0].congestion, "fixed:2mbit");
	assert_true(loaded.tunnel_settings[0].is_traced);
	assert_int_equal(loaded.tunnel_settings[0].revision, 7);
	/* As by default is as if it was never set. */
	struct tunnel_setting plain = installation_tunnel_default(&setting);
	assert_int_equal(store_put_tunnel(store, &plain, 8), 0);
	assert_int_equal(store_load(store, &loaded), 0);
	assert_int_equal(loaded.tunnel_setting_count, 0);
	assert_int_equal(store_put_tunnel(store, &setting, 9), 0);
	assert_int_equal(store_delete_node(store, setting.endpoint), 0);
	assert_int_equal(store_load(store, &loaded), 0);
	assert_int_equal(loaded.tunnel_setting_count, 0);
	assert_int_equal(store_put_tunnel(store, &setting, 7), ERR_IO);
	installation_clear(&loaded);
}

static void a_drain_stays(void **state)
{
	struct installation loaded = {0};
	uint32_t id;

	(void)state;
	put_node("tyo-1", NODE_LISTENER);
	assert_int_equal(store_load(store, &loaded), 0);
	assert_false(loaded.nodes[0].is_draining);
	id = loaded.nodes[0].id;
	assert_int_equal(store_drain_node(store, id, true), 0);
	assert_int_equal(store_put_node(store, &loaded.nodes[0]), 0); /* it joined anew */
	reopen();
	assert_int_equal(store_load(store, &loaded), 0);
	assert_true(loaded.nodes[0].is_draining);
	assert_int_equal(store_drain_node(store, id, false), 0);
	assert_int_equal(store_load(store, &loaded), 0);
	assert_false(loaded.nodes[0].is_draining);
	installation_clear(&loaded);
}

/* What the first two versions left; nothing of it goes, and changes are told as objects now. */
static const char older_schema[] =
    "DROP TABLE answers; DROP TABLE tunnels; DROP TABLE revisions; DROP TABLE api_tokens;"
    "ALTER TABLE nodes DROP COLUMN draining;"
    "CREATE TABLE revisions (number INTEGER PRIMARY KEY AUTOINCREMENT, when_ms INTEGER NOT NULL,"
    "  who TEXT NOT NULL, what TEXT NOT NULL, before TEXT, after TEXT) STRICT;"
    "INSERT INTO revisions VALUES (1, 5, 'me', 'token made', NULL, NULL),"
    " (2, 5, 'me', 'accelerator web created', NULL, '{\"name\": \"web\"}'),"
    " (3, 5, 'me', 'tunnel from tyo-1 to osl-1 updated', '{\"congestion\": \"bbr\"}',"
    "  '{\"congestion\": \"cubic\"}');"
    "PRAGMA user_version = 1";

static int collect(void *context, const struct revision *revision, const json_t *objects)
{
	(void)revision;
	json_array_append(context, (json_t *)objects);
	return 0;
}

static void an_older_schema_is_brought_up(void **state)
{
	struct installation loaded = {0};
	sqlite3 *database;
	json_t *seen = json_array(), *wanted;

	(void)state;
	put_node("tyo-1", NODE_LISTENER);
	store_close(store);
	store = NULL;
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(sqlite3_exec(database, older_schema, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(database);
	if (store_open(&store, path, reason) < 0)
		fail_msg("%s", reason);
	assert_int_equal(store_load(store, &loaded), 0);
	assert_int_equal(loaded.node_count, 1);
	assert_int_equal(loaded.tunnel_setting_count, 0);
	assert_int_equal(loaded.revision, 3);
	assert_int_equal(store_read_revisions(store, 1, 3, collect, seen), 0);
	wanted = json_loads("[[{\"kind\": \"Tunnel\", \"name\": \"tyo-1/osl-1\","
	                    " \"before\": {\"congestion\": \"bbr\", \"listener\": \"tyo-1\", "
	                    "\"endpoint\": \"osl-1\"},"
	                    " \"after\": {\"congestion\": \"cubic\", \"listener\": \"tyo-1\", "
	                    "\"endpoint\": \"osl-1\"}}],"
	                    "[{\"kind\": \"Accelerator\", \"name\": \"web\", \"before\": null,"
	                    " \"after\": {\"name\": \"web\"}}], []]",
	    0, NULL);
	assert_true(json_equal(seen, wanted));
	json_decref(wanted);
	json_decref(seen);
	installation_clear(&loaded);
}

static void tokens(void **state)
{
	struct token token = {
	    .hash = {9}, .role = NODE_LISTENER, .region = "tokyo", .expires_ms = 1000};
	struct token found = {0};
	const uint8_t other[32] = {8};

	(void)state;
	assert_int_equal(store_add_token(store, &token), 0);
	assert_int_equal(store_find_token(store, other, &found), ERR_NOT_FOUND);
	assert_int_equal(store_find_token(store, token.hash, &found), 0);
	assert_memory_equal(&found, &token, sizeof(token));
	assert_int_equal(store_use_token(store, token.hash, "tyo-1", 500), 0);
	assert_int_equal(store_find_token(store, token.hash, &found), 0);
	assert_string_equal(found.used_by, "tyo-1");
	assert_int_equal(store_purge_tokens(store, 1000), 0);
	assert_int_equal(store_find_token(store, token.hash, &found), 0);
	assert_int_equal(store_purge_tokens(store, 1001), 0);
	assert_int_equal(store_find_token(store, token.hash, &found), ERR_NOT_FOUND);
}

static void revisions_newest_first(void **state)
{
	struct revision revision, list[3];

	(void)state;
	for (int i = 0; i < 5; i++) {
		begin(&revision);
		assert_int_equal(store_commit(store), 0);
	}
	assert_int_equal(store_list_revisions(store, list, 3), 3);
	assert_int_equal(list[0].number, 5);
	assert_int_equal(list[2].number, 3);
	assert_string_equal(list[0].who, "me");
	assert_string_equal(list[0].what, "something");
}

static void old_revisions_are_forgotten(void **state)
{
	static struct revision list[STORE_REVISIONS_KEPT + 3];
	struct revision revision = {.when_ms = 5, .who = "me", .what = "something"};

	(void)state;
	assert_int_equal(store_begin(store), 0);
	for (int i = 0; i < STORE_REVISIONS_KEPT + 3; i++)
		assert_int_equal(store_add_revision(store, &revision, NULL), 0);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(revision.number, STORE_REVISIONS_KEPT + 3);
	assert_int_equal(
	    store_list_revisions(store, list, STORE_REVISIONS_KEPT + 3), STORE_REVISIONS_KEPT);
	assert_int_equal(list[STORE_REVISIONS_KEPT - 1].number, 4);
}

static void add_long_revision(struct revision *revision, size_t bytes)
{
	char *text = malloc(bytes);
	json_t *objects;

	memset(text, 'x', bytes);
	objects = json_pack("[s%]", text, bytes);
	free(text);
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(store_add_revision(store, revision, objects), 0);
	assert_int_equal(store_commit(store), 0);
	json_decref(objects);
}

static void long_revisions_are_forgotten_earlier(void **state)
{
	struct revision list[8], revision = {.when_ms = 5, .who = "me", .what = "something"};

	(void)state;
	for (int i = 0; i < 6; i++)
		add_long_revision(&revision, STORE_REVISIONS_BYTES_MAX / 4 - 100);
	assert_int_equal(store_list_revisions(store, list, 8), 4);
	assert_int_equal(list[3].number, 3);
	/* Their sum is known after a restart too. */
	reopen();
	add_long_revision(&revision, STORE_REVISIONS_BYTES_MAX / 4);
	assert_int_equal(store_list_revisions(store, list, 8), 4);
	/* The newest stays, and a short one after it takes its place. */
	add_long_revision(&revision, STORE_REVISIONS_BYTES_MAX + 1);
	assert_int_equal(store_list_revisions(store, list, 8), 1);
	add_long_revision(&revision, 1);
	assert_int_equal(store_list_revisions(store, list, 8), 1);
	assert_int_equal(list[0].number, 9);
	add_long_revision(&revision, 1);
	assert_int_equal(store_list_revisions(store, list, 8), 2);
}

static void a_second_control_is_kept_out(void **state)
{
	struct revision revision;
	struct store *other;

	(void)state;
	begin(&revision);
	assert_int_equal(store_commit(store), 0);
	assert_int_equal(store_open(&other, path, reason), ERR_IO);
	assert_non_null(strstr(reason, "locked"));
}

static void a_later_schema_is_refused(void **state)
{
	sqlite3 *database;

	(void)state;
	store_close(store);
	store = NULL;
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	sqlite3_exec(database, "PRAGMA user_version = 999", NULL, NULL, NULL);
	sqlite3_close(database);
	assert_int_equal(store_open(&store, path, reason), ERR_UNSUPPORTED);
	assert_non_null(strstr(reason, "999"));
}

static void damage_is_told(void **state)
{
	struct accelerator accelerator = decode("web");
	struct installation loaded = {0};
	sqlite3 *database;

	(void)state;
	assert_int_equal(store_put_accelerator(store, &accelerator, 1), 0);
	accelerator_clear(&accelerator);
	store_close(store);
	store = NULL;
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	sqlite3_exec(database, "UPDATE accelerators SET body = '{}'", NULL, NULL, NULL);
	sqlite3_close(database);
	assert_int_equal(store_open(&store, path, reason), 0);
	assert_int_equal(store_load(store, &loaded), ERR_IO);
	assert_non_null(strstr(store_error(store), "damaged"));
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STORE_TEST(new_database),
	    STORE_TEST(nodes_and_accelerators_stay),
	    STORE_TEST(rolled_back_is_not_there),
	    STORE_TEST(ids_are_not_given_twice),
	    STORE_TEST(names_are_unique),
	    STORE_TEST(tunnels),
	    STORE_TEST(an_older_schema_is_brought_up),
	    STORE_TEST(a_drain_stays),
	    STORE_TEST(tokens),
	    STORE_TEST(revisions_newest_first),
	    STORE_TEST(old_revisions_are_forgotten),
	    STORE_TEST(long_revisions_are_forgotten_earlier),
	    STORE_TEST(a_second_control_is_kept_out),
	    STORE_TEST(a_later_schema_is_refused),
	    STORE_TEST(damage_is_told),
	};
	int result;

	if (sodium_init() < 0 || !mkdtemp(directory))
		return 1;
	snprintf(path, sizeof(path), "%s/control.db", directory);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	remove_files();
	rmdir(directory);
	return result;
}
