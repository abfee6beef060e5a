/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See process_metrics.h; the fields are those of proc(5), /proc/PID/stat. */
#include "config.h"

#include "net/process_metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STAT_BYTES = 1024, PATH_BYTES = 64, DOTS = 2 };

struct figures {
	double cpu_seconds, start_seconds; /* start: since boot */
	uint64_t virtual_bytes, resident_bytes;
};

static bool read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t length;

	if (!file)
		return false;
	length = fread(text, 1, size - 1, file);
	fclose(file);
	text[length] = '\0';
	return length > 0;
}

static bool read_figures(pid_t pid, struct figures *figures)
{
	char path[PATH_BYTES], text[STAT_BYTES];
	const char *after;
	unsigned long user, kernel, virtual_bytes;
	unsigned long long start;
	long pages;
	double hertz = (double)sysconf(_SC_CLK_TCK);

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_text(path, text, sizeof(text)))
		return false;
	after = strrchr(text, ')'); /* the program's name may hold anything */
	if (!after
	    || sscanf(after + 1,
	           " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d "
	           "%llu %lu %ld",
	           &user, &kernel, &start, &virtual_bytes, &pages)
	           != 5)
		return false;
	*figures = (struct figures){
	    .cpu_seconds = (double)(user + kernel) / hertz,
	    .start_seconds = (double)start / hertz,
	    .virtual_bytes = virtual_bytes,
	    .resident_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE),
	};
	return true;
}

/* UNIX time of the boot, 0 when it is not known. */
static double boot_seconds(void)
{
	unsigned long long seconds = 0;
	char line[STAT_BYTES];
	FILE *file = fopen("/proc/stat", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "btime %llu", &seconds) == 1)
			break;
	if (file)
		fclose(file);
	return (double)seconds;
}

/* Without the one that reads them. */
uint64_t process_open_descriptors(void)
{
	DIR *list = opendir("/proc/self/fd");
	uint64_t count = 0;

	if (!list)
		return 0;
	while (readdir(list))
		count++;
	closedir(list);
	return count > DOTS ? count - DOTS - 1 : 0;
}

static void one(struct exposition *exposition, enum exposition_type type, const char *name,
    const char *help, double value)
{
	exposition_family(exposition, type, name, help);
	exposition_number(exposition, EXPOSITION_NO_LABELS, value);
}

static void write_own(struct exposition *exposition, double boot)
{
	struct figures own = {0};
	struct rlimit limit = {0};

	if (read_figures(getpid(), &own)) {
		one(exposition, EXPOSITION_COUNTER, "process_cpu_seconds",
		    "Processor time of the main process", own.cpu_seconds);
		one(exposition, EXPOSITION_GAUGE, "process_resident_memory_bytes",
		    "Memory of the main process that is in RAM", (double)own.resident_bytes);
		one(exposition, EXPOSITION_GAUGE, "process_virtual_memory_bytes",
		    "Address space of the main process", (double)own.virtual_bytes);
		one(exposition, EXPOSITION_GAUGE, "process_start_time_seconds",
		    "When the main process began, UNIX time", boot + own.start_seconds);
	}
	one(exposition, EXPOSITION_GAUGE, "process_open_fds",
	    "Descriptors that the main process has open", (double)process_open_descriptors());
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		one(exposition, EXPOSITION_GAUGE, "process_max_fds",
		    "Descriptors that the main process may have open", (double)limit.rlim_cur);
}

/* ---- children ---- */

static double child_cpu(const struct figures *figures)
{
	return figures->cpu_seconds;
}

static double child_resident(const struct figures *figures)
{
	return (double)figures->resident_bytes;
}

static void write_children(struct exposition *exposition, const char *name, const char *help,
    enum exposition_type type, double (*value)(const struct figures *),
    const struct process_metrics_child *children, size_t count)
{
	struct figures figures;

	exposition_family(exposition, type, name, help);
	for (size_t i = 0; i < count; i++)
		if (children[i].pid && read_figures(children[i].pid, &figures))
			exposition_number(exposition,
			    EXPOSITION_LABELS({"process", children[i].name}), value(&figures));
}

static void write_restarts(
    struct exposition *exposition, const struct process_metrics_child *children, size_t count)
{
	exposition_family(
	    exposition, EXPOSITION_GAUGE, "trunkline_child_up", "1 while the process runs");
	for (size_t i = 0; i < count; i++)
		exposition_count(exposition, EXPOSITION_LABELS({"process", children[i].name}),
		    children[i].pid != 0);
	exposition_family(exposition, EXPOSITION_COUNTER, "trunkline_child_restarts",
	    "Times that the process was started again");
	for (size_t i = 0; i < count; i++)
		exposition_count(exposition, EXPOSITION_LABELS({"process", children[i].name}),
		    children[i].restarts);
}

void process_metrics_write(struct exposition *exposition, const char *program,
    const struct process_metrics_child *children, size_t count)
{
	exposition_family(
	    exposition, EXPOSITION_GAUGE, "trunkline_build_info", "What runs here; always 1");
	exposition_count(
	    exposition, EXPOSITION_LABELS({"program", program}, {"version", PACKAGE_VERSION}), 1);
	write_own(exposition, boot_seconds());
	write_children(exposition, "trunkline_child_cpu_seconds",
	    "Processor time of a process that main started", EXPOSITION_COUNTER, child_cpu,
	    children, count);
	write_children(exposition, "trunkline_child_resident_memory_bytes",
	    "Memory of a process that main started, in RAM", EXPOSITION_GAUGE, child_resident,
	    children, count);
	write_restarts(exposition, children, count);
}
