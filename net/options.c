/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of a daemon; see net/options.h.  Command line and file both become JSON, the former is
 * laid over the latter, and the schema decodes the result.
 */
#include "config.h"

#include "net/options.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/file.h"
#include "base/size_text.h"
#include "base/suggest.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_FILE_BYTES = 1024 * 1024, ERROR_BYTES = 512 };

/* What the command line said.  values is a JSON object of the options given. */
struct command_line {
	const struct options_usage *usage;
	json_t *values;
	const char *config;
	bool check_only;
	bool has_errors;
	bool is_over; /* --help or --version */
};

/* ---- words for a person ---- */

static void say(const struct options_usage *usage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(const struct options_usage *usage, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", usage->program);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static void print_option(const char *key, const char *argument, const char *text)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%s%s", key, argument ? " " : "", argument ? argument : "");
	printf("  %-26s %s\n", left, text);
}

static void print_help(const struct options_usage *usage)
{
	printf("Usage: %s [OPTIONS]\n%s\n\nOptions:\n", usage->program, usage->summary);
	for (size_t i = 0; i < usage->option_count; i++) {
		const struct option_help *option = &usage->options[i];
		char key[48], text[256];

		snprintf(key, sizeof(key), "--%s", option->key);
		snprintf(text, sizeof(text), "%s%s", option->text,
		    option->is_required ? " (required)" : "");
		print_option(key, option->argument, text);
	}
	print_option("--config", "FILE", "YAML file whose keys are the long options");
	print_option("-t", NULL, "check the config, report every error, and end");
	print_option("--version", NULL, "print the version and end");
	print_option("--help", NULL, "print this and end");
}

/* ---- the command line ---- */

static const struct option_help *find_option(const struct options_usage *usage, const char *key)
{
	for (size_t i = 0; i < usage->option_count; i++)
		if (strcmp(usage->options[i].key, key) == 0)
			return &usage->options[i];
	return NULL;
}

static const struct schema_field *find_field(const struct schema *schema, const char *key)
{
	for (size_t i = 0; i < schema->field_count; i++)
		if (strcmp(schema->fields[i].key, key) == 0)
			return &schema->fields[i];
	return NULL;
}

static void refuse_unknown(struct command_line *line, const char *key)
{
	static const char *const ours[] = {"config", "version", "help"};
	struct suggestion nearest;

	suggestion_begin(&nearest, key, strlen(key));
	for (size_t i = 0; i < line->usage->option_count; i++)
		suggestion_offer(&nearest, line->usage->options[i].key);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		suggestion_offer(&nearest, ours[i]);
	if (nearest.best)
		say(line->usage, "unknown option --%s; did you mean --%s?", key, nearest.best);
	else
		say(line->usage, "unknown option --%s; --help lists them", key);
	line->has_errors = true;
}

/* A number of digits alone becomes one; what is wrong with the rest says the schema. */
static json_t *to_json(const struct schema_field *field, const char *text)
{
	char *end;
	unsigned long long number;

	switch (field->type) {
	case SCHEMA_U8:
	case SCHEMA_U16:
	case SCHEMA_U32:
	case SCHEMA_U64:
		errno = 0;
		number = strtoull(text, &end, 10);
		if (text[0] < '0' || text[0] > '9' || *end || errno || number > INT64_MAX)
			return json_string(text);
		return json_integer((json_int_t)number);
	default:
		return json_string(text);
	}
}

static void store(struct command_line *line, const char *key, json_t *value)
{
	const struct schema_field *field = find_field(line->usage->schema, key);
	json_t *old = json_object_get(line->values, key);

	if (!value) {
		say(line->usage, "--%s: not text in UTF-8", key);
		line->has_errors = true;
	} else if (field->is_array) {
		if (!old)
			json_object_set_new(line->values, key, json_array());
		json_array_append_new(json_object_get(line->values, key), value);
	} else {
		if (old) {
			say(line->usage, "--%s is given twice", key);
			line->has_errors = true;
		}
		json_object_set_new(line->values, key, value);
	}
}

/* Takes "--key", with "=value" or the next argument as its value; how many arguments it took. */
static int take_long(struct command_line *line, int left, char **argv)
{
	const char *equals = strchr(argv[0], '=');
	char key[64];
	const struct option_help *option;
	const char *value = equals ? equals + 1 : left > 1 ? argv[1] : NULL;
	bool is_config;

	snprintf(key, sizeof(key), "%.*s", (int)(equals ? equals - argv[0] - 2 : 60), argv[0] + 2);
	is_config = strcmp(key, "config") == 0;
	option = find_option(line->usage, key);
	if (!option && !is_config) {
		refuse_unknown(line, key);
		return 1;
	}
	if (option && !option->argument) {
		if (equals) {
			say(line->usage, "--%s takes no value", key);
			line->has_errors = true;
		}
		store(line, key, json_true());
		return 1;
	}
	if (!value) {
		say(line->usage, "--%s needs %s", key, option ? option->argument : "FILE");
		line->has_errors = true;
		return 1;
	}
	if (is_config)
		line->config = value;
	else
		store(line, key, to_json(find_field(line->usage->schema, key), value));
	return equals ? 1 : 2;
}

static int take(struct command_line *line, int left, char **argv)
{
	const char *text = argv[0];

	if (strcmp(text, "-t") == 0) {
		line->check_only = true;
	} else if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
		print_help(line->usage);
		line->is_over = true;
	} else if (strcmp(text, "--version") == 0) {
		printf("%s %s\n", line->usage->program, PACKAGE_VERSION);
		line->is_over = true;
	} else if (strncmp(text, "--", 2) == 0 && text[2]) {
		return take_long(line, left, argv);
	} else {
		say(line->usage, "unexpected argument '%s'; --help lists the options", text);
		line->has_errors = true;
	}
	return 1;
}

static void read_command_line(struct command_line *line, int argc, char **argv)
{
	for (int i = 1; i < argc && !line->is_over;)
		i += take(line, argc - i, argv + i);
}

/* ---- the file ---- */

static void print_errors(const struct schema_errors *errors, const char *filename)
{
	for (size_t i = 0; i < errors->count; i++) {
		char text[ERROR_BYTES];

		fprintf(stderr, "%s\n",
		    schema_error_format(&errors->list[i], filename, text, sizeof(text)));
	}
}

/* The file's options as JSON, or NULL with its errors printed. */
static json_t *read_file(const struct options_usage *usage, const char *path)
{
	struct schema_errors errors = {.count = 0};
	json_t *values = NULL;
	char *text;
	size_t length;
	void *decoded = calloc(1, usage->schema->size);
	int result = file_read(path, CONFIG_FILE_BYTES, &text, &length);

	if (result < 0) {
		say(usage, "%s: %s", path, result == ERR_IO ? strerror(errno) : err_text(result));
		free(decoded);
		return NULL;
	}
	if (decoded && schema_from_yaml_text(usage->schema, text, length, decoded, &errors) == 0) {
		values = schema_to_json(usage->schema, decoded, 0);
		schema_clear(usage->schema, decoded);
	}
	print_errors(&errors, path);
	free(text);
	free(decoded);
	return values;
}

/* ---- both together ---- */

static bool has_required(const struct options_usage *usage, const json_t *values)
{
	bool all = true;

	for (size_t i = 0; i < usage->option_count; i++) {
		const struct option_help *option = &usage->options[i];

		if (!option->is_required || json_object_get(values, option->key))
			continue;
		say(usage, "--%s %s is required: %s", option->key, option->argument, option->text);
		all = false;
	}
	return all;
}

static int decode(const struct command_line *line, json_t *values, void *options)
{
	const struct options_usage *usage = line->usage;
	struct schema_errors errors;

	if (schema_from_json(usage->schema, values, 0, options, &errors) < 0) {
		for (size_t i = 0; i < errors.count; i++)
			say(usage, "%s%s%s%s", errors.list[i].path[0] ? "--" : "",
			    errors.list[i].path, errors.list[i].path[0] ? ": " : "",
			    errors.list[i].text);
		return EXIT_USAGE;
	}
	if (!line->check_only && !has_required(usage, values)) {
		schema_clear(usage->schema, options);
		return EXIT_USAGE;
	}
	if (!line->check_only)
		return OPTIONS_RUN;
	schema_clear(usage->schema, options);
	return EXIT_DONE;
}

static int merge(const struct command_line *line, void *options)
{
	json_t *values = line->config ? read_file(line->usage, line->config) : json_object();
	int status;

	if (!values)
		return EXIT_FAILED;
	json_object_update(values, line->values);
	status = decode(line, values, options);
	json_decref(values);
	return status;
}

int options_parse(const struct options_usage *usage, int argc, char **argv, void *options)
{
	struct command_line line = {.usage = usage, .values = json_object()};
	int status;

	memset(options, 0, usage->schema->size);
	read_command_line(&line, argc, argv);
	if (line.has_errors)
		status = EXIT_USAGE;
	else if (line.is_over)
		status = EXIT_DONE;
	else
		status = merge(&line, options);
	json_decref(line.values);
	return status;
}

/* ---- checks ---- */

const char *options_check_address(const void *text)
{
	struct addr addr;

	return addr_parse(text, 0, &addr) < 0
	           ? "must be an IP address, with :PORT or without, IPv6 in "
	             "brackets; names are not looked up"
	           : NULL;
}

/* A port that is left out becomes the default: two defaults tell. */
static bool has_port(const char *text, struct addr *addr)
{
	struct addr other;

	return addr_parse(text, 1, addr) == 0 && addr_parse(text, 2, &other) == 0
	       && addr->port == other.port;
}

const char *options_check_address_port(const void *text)
{
	struct addr addr;

	return has_port(text, &addr) ? NULL : "must be ADDR:PORT, IPv6 in brackets";
}

const char *options_check_address_only(const void *text)
{
	struct addr addr;

	if (addr_parse(text, 0, &addr) < 0 || has_port(text, &addr))
		return "must be an address without a port";
	return NULL;
}

const char *options_check_size(const void *text)
{
	uint64_t bytes;

	return size_parse(text, &bytes) == 0 ? NULL : "must be bytes, or with K, M or G, as 512M";
}
