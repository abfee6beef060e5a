/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See client.h: an answer that goes to a file as it comes. */
#include "config.h"

#include "cli/client.h"

#include <string.h>
#include <unistd.h>

#include "cli/client_private.h"

enum {
	PROBLEM_BYTES = 64 * 1024,
	SILENT_S = 30,
	STATUS_DONE = 200,
};

struct download {
	CURL *curl;
	FILE *file;
	char problem[PROBLEM_BYTES];
	size_t length;
	bool has_failed; /* to write */
};

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
	struct download *download = context;
	size_t more = size * count;
	long status = 0;
	curl_easy_getinfo(download->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == STATUS_DONE) {
		download->has_failed = fwrite(bytes, 1, more, download->file) != more;
		return download->has_failed ? 0 : more;
	}
	if (download->length + more > sizeof(download->problem))
		return 0;
	memcpy(download->problem + download->length, bytes, more);
	download->length += more;
	return more;
}

static CURLcode perform(
    struct client *client, const char *path, struct download *download, char *curl_error)
{
	CURL *curl = client->curl;
	char url[2048];
	snprintf(url, sizeof(url), "%s%s", client->base_url, path);
	curl_easy_reset(curl);
	client_set_connection(client, curl, url, curl_error);
	struct curl_slist *headers =
	    client->authorization ? curl_slist_append(NULL, client->authorization) : NULL;
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, download);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_S);
	CURLcode rc = curl_easy_perform(curl);
	curl_slist_free_all(headers);
	return rc;
}

enum exit_code client_download(
    struct client *client, const char *path, FILE *file, struct reply *reply)
{
	struct download download = {.curl = client->curl, .file = file};
	char curl_error[CURL_ERROR_SIZE] = "";
	memset(reply, 0, sizeof(*reply));
	CURLcode rc = perform(client, path, &download, curl_error);
	if (download.has_failed) {
		snprintf(reply->error, sizeof(reply->error), "the file cannot be written: %m");
		return EXIT_FAILED;
	}
	if (rc != CURLE_OK) {
		client_explain_unreachable(client, client->curl, rc, curl_error, reply->error);
		return EXIT_UNREACHABLE;
	}
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply->status);
	if (reply->status == STATUS_DONE)
		return EXIT_DONE;
	return client_read_answer(client, download.problem, download.length, reply);
}
