/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Static tables that describe C structs; one table serves decoding from JSON and YAML, encoding to
 * JSON, and freeing.  Errors name the place (`accelerators[2].ports[0]: must be 1..65535`), and in
 * YAML the line and column.  Every error is reported, not only the first, up to a cap.
 *
 *	static const struct schema_field backend_fields[] = {
 *		{SCHEMA_MEMBER("host", struct backend, host), .type = SCHEMA_STRING,
 *		    .is_required = true, .max = 255},
 *		{SCHEMA_MEMBER("weight", struct backend, weight), .type = SCHEMA_U32,
 *		    .max = 255, .default_number = 128},
 *	};
 *	const struct schema backend_schema = SCHEMA(struct backend, backend_fields);
 */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum schema_type {
	SCHEMA_BOOL,   /* bool */
	SCHEMA_U8,     /* uint8_t, min..max */
	SCHEMA_U16,    /* uint16_t, min..max */
	SCHEMA_U32,    /* uint32_t, min..max */
	SCHEMA_U64,    /* uint64_t, min..max; above 2^63 - 1 it has no JSON form */
	SCHEMA_DOUBLE, /* double, finite; min and max are not looked at */
	SCHEMA_ENUM,   /* a C enum of the size of int; its text is names[value] */
	SCHEMA_STRING, /* char *, allocated; min..max bytes; NULL when absent without default */
	SCHEMA_TEXT,   /* char[N], NUL-terminated; at least min bytes */
	SCHEMA_HEX,    /* uint8_t[N], exactly N bytes, as lower-case hex digits */
	SCHEMA_BASE64, /* uint8_t[N], exactly N bytes, as unpadded base64url */
	SCHEMA_STRUCT, /* a struct in place, described by `schema` */
};

struct schema;

/*
 * One member.  max 0 means as much as the type (or SCHEMA_STRING_MAX) holds.
 * A member that is absent (or null) and not required gets its default: default_number for numbers,
 * bool and enum; default_text for strings; zero for the rest, and a struct its members' defaults.
 * Strings never hold NUL.
 */
struct schema_field {
	const char *key;
	const char *help; /* one line for a person; fields that people write have it */
	size_t offset;
	size_t size; /* of the member, or of one item of an array */
	enum schema_type type;
	bool is_required;
	bool is_secret; /* left out by schema_to_json(..., SCHEMA_OMIT_SECRETS) */

	uint64_t min, max;
	uint64_t default_number;
	const char *default_text;
	const char *const *names;    /* SCHEMA_ENUM: ends with NULL */
	const struct schema *schema; /* SCHEMA_STRUCT */

	/*
	 * NULL when the decoded value (of an array: each item) is right, else what is wrong with
	 * it.  Gets the member's address, and for SCHEMA_STRING the text itself.
	 */
	const char *(*check)(const void *value);

	/* Arrays: an allocated `T *items; size_t count`, or `T items[N]; size_t count` in place. */
	bool is_array;
	bool is_in_place;
	/*
	 * In documents an object with keys of its own, in memory an array of SCHEMA_STRUCT, whose
	 * table has two fields: a SCHEMA_TEXT that takes the key, and the value.  No key stands twice.
	 */
	bool is_map;
	size_t count_offset;
	size_t min_items, max_items; /* max_items is required for allocated arrays */
};

struct schema {
	size_t size; /* of the struct */
	const struct schema_field *fields;
	size_t field_count; /* at most SCHEMA_FIELDS_MAX */

	/* As a field's check, over the whole struct, once all members are right.  May be NULL. */
	const char *(*check)(const void *object);
};

enum {
	SCHEMA_FIELDS_MAX = 64,
	SCHEMA_DEPTH_MAX = 16,
	SCHEMA_ERRORS_MAX = 32,
	SCHEMA_PATH_BYTES = 128,
	SCHEMA_STRING_MAX = 65535,
	SCHEMA_TEXT_MAX_BYTES = 4 << 20,    /* of a YAML file */
	SCHEMA_ARRAYS_MAX_BYTES = 64 << 20, /* of all allocated arrays of a document together */
	SCHEMA_VALUES_MAX = 1 << 20,        /* values in one document, aliases counted each time */
};

#define SCHEMA_MEMBER(json_key, struct_type, member)                                               \
	.key = (json_key), .offset = offsetof(struct_type, member),                                \
	.size = sizeof(((struct_type *)0)->member)

/* `T *member; size_t count_member;`  Give .max_items. */
#define SCHEMA_ARRAY(json_key, struct_type, member, count_member)                                  \
	.key = (json_key), .offset = offsetof(struct_type, member),                                \
	.size = sizeof(*((struct_type *)0)->member), .is_array = true,                             \
	.count_offset = offsetof(struct_type, count_member)

/* The same, a map.  Give .max_items and .schema. */
#define SCHEMA_MAP(json_key, struct_type, member, count_member)                                    \
	SCHEMA_ARRAY(json_key, struct_type, member, count_member), .is_map = true,                 \
	                                                           .type = SCHEMA_STRUCT

/* `T member[N]; size_t count_member;` */
#define SCHEMA_ARRAY_IN_PLACE(json_key, struct_type, member, count_member)                         \
	.key = (json_key), .offset = offsetof(struct_type, member),                                \
	.size = sizeof(((struct_type *)0)->member[0]), .is_array = true, .is_in_place = true,      \
	.max_items = sizeof(((struct_type *)0)->member) / sizeof(((struct_type *)0)->member[0]),   \
	.count_offset = offsetof(struct_type, count_member)

#define SCHEMA(struct_type, field_table)                                                           \
	{                                                                                          \
		.size = sizeof(struct_type), .fields = (field_table),                              \
		.field_count = sizeof(field_table) / sizeof((field_table)[0])                      \
	}

/* With a check of the whole struct, as struct schema has it. */
#define SCHEMA_CHECKED(struct_type, field_table, check_function)                                   \
	{                                                                                          \
		.size = sizeof(struct_type), .fields = (field_table),                              \
		.field_count = sizeof(field_table) / sizeof((field_table)[0]),                     \
		.check = (check_function)                                                          \
	}

/* line and column count from 1; both are 0 for JSON. */
struct schema_error {
	unsigned line, column;
	char path[SCHEMA_PATH_BYTES]; /* "" for the whole document */
	char text[160];
	bool is_about_key; /* unknown or twice: the key is wrong, whatever its value */
};

/* Decoding stops when the list is full. */
struct schema_errors {
	size_t count;
	struct schema_error list[SCHEMA_ERRORS_MAX];
};

enum schema_flags {
	SCHEMA_OMIT_SECRETS = 1, /* encode: leave out is_secret members */
	/* decode: after ERR_MALFORMED *out has what was right, zero for the rest; to be cleared */
	SCHEMA_KEEP_PARTS = 2,
};

/*
 * Decodes into *out, which need not be initialised.  On success the caller frees what it holds by
 * schema_clear(); on failure *out is cleared already.  errors may be NULL; else it is reset first.
 * ERR_MALFORMED with at least one error reported, ERR_LIMIT, or ERR_NOMEM.
 */
int schema_from_json(const struct schema *schema, const json_t *json, unsigned flags, void *out,
    struct schema_errors *errors);

/*
 * The same from JSON text, which is refused when a key stands twice in an object or when it is not
 * one object.  A syntax error has its line and column.
 */
int schema_from_json_text(const struct schema *schema, const char *text, size_t length,
    unsigned flags, void *out, struct schema_errors *errors);

/* The same from one YAML document (YAML 1.1 as libyaml reads it); an empty one is an empty struct. */
int schema_from_yaml_text(const struct schema *schema, const char *text, size_t length, void *out,
    struct schema_errors *errors);

/*
 * A new reference, or NULL without memory or when the struct holds what has no JSON form.
 * Members that are not required and empty (NULL, "", an all-zero byte array) are left out.
 */
json_t *schema_to_json(const struct schema *schema, const void *object, unsigned flags);

/* Fills *out with the defaults of all members, required ones too (zero).  ERR_NOMEM clears it. */
int schema_defaults(const struct schema *schema, void *out);

/* Frees what the struct's members own and zeroes it; not the struct itself.  NULL is allowed. */
void schema_clear(const struct schema *schema, void *object);

/*
 * A path as a JSON pointer (RFC 6901) behind `base`: "a.b[2]" is "BASE/a/b/2".  What does not fit is
 * cut.  Returns buf.
 */
const char *schema_path_pointer(const char *base, const char *path, char *buf, size_t size);

/* Adds an error of the caller's own; control characters become '?'.  Without room nothing is done. */
void schema_errors_add(struct schema_errors *errors, unsigned line, unsigned column,
    const char *path, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* "FILE:LINE:COLUMN: PATH: TEXT" with what is there of them; filename may be NULL.  Returns buf. */
const char *schema_error_format(
    const struct schema_error *error, const char *filename, char *buf, size_t size);

#endif
