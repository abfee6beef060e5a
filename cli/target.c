/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See target.h. */
#include "config.h"

#include "cli/target.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/schema.h"

enum { CONTEXT_BYTES_MAX = 64 * 1024, TOKEN_BYTES_MAX = 4096 };

/* A context file, YAML; its keys are the long options. */
struct context {
	char *control, *pin, *token_file;
};

static const struct schema_field context_fields[] = {
    {SCHEMA_MEMBER("control", struct context, control), .type = SCHEMA_STRING, .min = 1,
        .is_required = true},
    {SCHEMA_MEMBER("pin", struct context, pin), .type = SCHEMA_STRING, .min = 1},
    {SCHEMA_MEMBER("token-file", struct context, token_file), .type = SCHEMA_STRING, .min = 1},
};
static const struct schema context_schema = SCHEMA(struct context, context_fields);

static bool cannot_read(const char *path, int result, char *error)
{
	snprintf(error, TARGET_ERROR_BYTES, "cannot read %.300s: %s", path,
	    result == ERR_IO ? strerror(errno) : err_text(result));
	return false;
}

static bool read_context(const char *path, struct context *context, char *error)
{
	struct schema_errors errors;
	size_t length;
	char *text;
	int result = file_read(path, CONTEXT_BYTES_MAX, &text, &length);

	if (result < 0)
		return cannot_read(path, result, error);
	result = schema_from_yaml_text(&context_schema, text, length, context, &errors);
	free(text);
	if (result == 0)
		return true;
	snprintf(error, TARGET_ERROR_BYTES, "%.200s:%u:%u: %s%s%.150s", path, errors.list[0].line,
	    errors.list[0].column, errors.list[0].path, errors.list[0].path[0] ? ": " : "",
	    errors.list[0].text);
	return false;
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* The file that is used when nobody names one, if it is there; allocated. */
static char *default_context(void)
{
	const char *config = environment("XDG_CONFIG_HOME"), *home = environment("HOME");
	char *path = NULL;
	int result = -1;

	if (config)
		result = asprintf(&path, "%s/trunkline/context.yaml", config);
	else if (home)
		result = asprintf(&path, "%s/.config/trunkline/context.yaml", home);
	if (result < 0)
		return NULL;
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static bool is_private(const char *path, char *error)
{
	struct stat status;

	if (stat(path, &status) < 0 || !S_ISREG(status.st_mode)
	    || !(status.st_mode & (S_IRWXG | S_IRWXO)))
		return true; /* reading tells what is wrong */
	snprintf(error, TARGET_ERROR_BYTES,
	    "the token in %.200s may be read by others: chmod 600 makes it secret", path);
	return false;
}

static bool read_token(const char *path, char **token, char *error)
{
	size_t length;
	int result;

	if (!is_private(path, error))
		return false;
	result = file_read(path, TOKEN_BYTES_MAX, token, &length);
	if (result < 0)
		return cannot_read(path, result, error);
	(*token)[strcspn(*token, " \t\r\n")] = '\0';
	if ((*token)[0])
		return true;
	snprintf(error, TARGET_ERROR_BYTES, "%.300s has no token", path);
	return false;
}

static bool take_pin(struct target *target, const char *text, char *error)
{
	target->has_pin = text != NULL;
	if (!text || pin_parse(text, target->pin) == 0)
		return true;
	snprintf(error, TARGET_ERROR_BYTES,
	    "the pin \"%.100s\" is none: 43 characters, as control logs them (api_certificate)",
	    text);
	return false;
}

static bool take_token(
    struct target *target, const char *file, const char *environment_token, char *error)
{
	if (file)
		return read_token(file, &target->token, error);
	target->token = environment_token ? strdup(environment_token) : NULL;
	return true;
}

static bool fill(struct target *target, const struct invocation *invocation,
    const struct context *context, char *error)
{
	const char *where = invocation_value(invocation, "--control");
	const char *pin = invocation_value(invocation, "--pin");
	const char *file = invocation_value(invocation, "--token-file");
	const char *token = environment("TRUNKLINE_TOKEN");

	if (!where)
		where = context->control ? context->control : environment("TRUNKLINE_CONTROL");
	if (!pin)
		pin = context->pin ? context->pin : environment("TRUNKLINE_PIN");
	if (!file && !token)
		file = context->token_file;
	target->where = strdup(where ? where : CONTROL_DEFAULT);
	return take_pin(target, pin, error) && take_token(target, file, token, error);
}

bool target_choose(const struct invocation *invocation, struct target *target, char *error)
{
	const char *named = invocation_value(invocation, "--context");
	bool has_control = invocation_has(invocation, "--control");
	struct context context = {0};
	char *path = NULL;
	bool is_good = true;

	*target = (struct target){0};
	if (named && has_control) {
		snprintf(error, TARGET_ERROR_BYTES, "give --control or --context, not both");
		return false;
	}
	if (!named && !has_control)
		named = environment("TRUNKLINE_CONTEXT");
	if (!named && !has_control && !environment("TRUNKLINE_CONTROL"))
		named = path = default_context();
	if (named)
		is_good = read_context(named, &context, error);
	free(path);
	is_good = is_good && fill(target, invocation, &context, error);
	schema_clear(&context_schema, &context);
	if (!is_good)
		target_clear(target);
	return is_good;
}

void target_clear(struct target *target)
{
	if (target->token)
		sodium_memzero(target->token, strlen(target->token));
	free(target->token);
	free(target->where);
	*target = (struct target){0};
}
