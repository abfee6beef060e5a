/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wanem: a wide-area network on one machine.
 *
 * It makes network namespaces, gives each one TUN interface, and moves IP packets between them
 * through links that have a delay, jitter, a rate with a finite queue, random or bursty loss,
 * duplication, reordering and corruption. Links can be changed or cut while traffic flows.
 *
 *     wanem -p PREFIX [-s SOCKET] [-S SEED] run SCENARIO   be the network until SIGTERM or SIGINT
 *                                                          (prints "ready" when it is)
 *     wanem -p PREFIX [-s SOCKET] ctl 'COMMAND'            change it, or ask for its counters
 *
 * A node NAME lives in the namespace PREFIX+NAME, so that several networks can run side by side;
 * SOCKET is /run/wanem-PREFIX.sock unless named. The namespaces go when wanem ends.
 *
 * A scenario and a command share one language, one statement a line (# starts a comment):
 *
 *     node NAME ADDRESS[,ADDRESS...]       a namespace and its addresses (IPv4 or IPv6);
 *                                          only in a scenario
 *     link A B [KEY VALUE]...              both directions; keys not named keep their value
 *     path A B [KEY VALUE]...              from A to B only
 *     cut A B | mend A B                   both directions drop everything / work again
 *     stats                                counters, one line of JSON per direction
 *
 * Keys: delay MS, jitter MS, loss PCT, burst PKTS (mean length of a loss burst in packets, default
 * 1 = independent losses), outage MS (mean length of a loss burst in time instead: what a thin flow
 * sees of a congested or flapping line, default 0 = by packets), rate MBIT (0 = unlimited), queue
 * MS (of the rate), dup PCT, replay PCT (a second copy 1 to 5 s later), reorder PCT (a packet held
 * back by up to hold MS, default 5, so that others overtake it), corrupt PCT (one flipped payload
 * bit; a UDP checksum is mended, so that the receiving program sees it), mtu BYTES.
 *
 * Two nodes without a link between them can't reach each other. Needs root and iproute2.
 */
#define _GNU_SOURCE 1

#include "tests/lab/wanem.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	BATCH_PKTS = 64, /* read from one node before the due ones are delivered */
	LINE_BYTES = 1024,
	CONTROL_EVENT = MAX_NODES,
	TIMER_SLACK_NS = 1, /* the default of 50 us would be added to every delay */
};

static const char *prefix;
static char socket_file[sizeof((struct sockaddr_un *)0)->sun_path];
static bool owns_socket;
static volatile sig_atomic_t is_stopping;

static void leave_nothing(void)
{
	if (owns_socket)
		unlink(socket_file);
	net_remove_nodes();
}

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("wanem: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	leave_nothing();
	exit(1);
}

uint64_t clock_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void read_node(int from)
{
	for (int i = 0; i < BATCH_PKTS; i++) {
		struct packet *packet = packet_new();
		ssize_t length = read(nodes[from].tun, packet->data, PACKET_BYTES);

		if (length <= 0) {
			packet_free(packet);
			return;
		}
		packet->length_bytes = (uint16_t)length;
		int to = net_find_destination(packet);
		if (to < 0 || !paths[from][to].exists) {
			packet_free(packet);
			continue;
		}
		packet->from = (uint16_t)from;
		packet->to = (uint16_t)to;
		path_accept_packet(&paths[from][to], packet, clock_now_ns());
	}
}

static void deliver_due(void)
{
	const struct packet *first;

	while ((first = flight_first()) && first->due_ns <= clock_now_ns()) {
		struct packet *packet = flight_take();
		struct path *path = &paths[packet->from][packet->to];

		if (path->is_cut)
			path->count.cut_off++;
		else if (write(nodes[packet->to].tun, packet->data, packet->length_bytes) > 0)
			path->count.delivered++;
		else
			path->count.refused++;
		packet_free(packet);
	}
}

static void read_scenario(const char *file)
{
	char line[LINE_BYTES];
	FILE *in = fopen(file, "r");

	if (!in)
		die("%s: %s", file, strerror(errno));
	for (int number = 1; fgets(line, sizeof line, in); number++) {
		const char *why = language_run_statement(prefix, line, stdout);
		if (is_stopping)
			die("stopped while starting");
		if (why)
			die("%s:%d: %s", file, number, why);
	}
	fclose(in);
}

static struct sockaddr_un socket_address(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, socket_file, sizeof address.sun_path);
	return address;
}

/* One command a connection. A client that stalls must not stop the network for long. */
static void answer_command(int listener)
{
	int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct timeval patience = {.tv_usec = 200000};
	char line[LINE_BYTES], *text = NULL;
	size_t length = 0;

	if (client < 0)
		return;
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	ssize_t got = recv(client, line, sizeof line - 1, 0);
	FILE *out = got > 0 ? open_memstream(&text, &length) : NULL;
	if (out) {
		line[got] = 0;
		const char *why = "a node needs a scenario";
		if (strncmp(line, "node", 4) != 0)
			why = language_run_statement(prefix, line, out);
		fprintf(out, "%s\n", why ? why : "ok");
		fclose(out);
		send(client, text, length, MSG_NOSIGNAL);
		free(text);
	}
	close(client);
}

static int connect_control(void)
{
	struct sockaddr_un address = socket_address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Prints the answer but for its last line, which is "ok" or the complaint. */
static int run_control(const char *command)
{
	char line[LINE_BYTES], last[LINE_BYTES] = "no answer\n";
	int fd = connect_control();

	if (fd < 0)
		die("%s: %s", socket_file, strerror(errno));
	dprintf(fd, "%s\n", command);
	FILE *in = fdopen(fd, "r");
	for (bool first = true; in && fgets(line, sizeof line, in); first = false) {
		if (!first)
			fputs(last, stdout);
		memcpy(last, line, sizeof last);
	}
	if (strcmp(last, "ok\n") != 0)
		die("%.*s", (int)strcspn(last, "\n"), last);
	return 0;
}

static void stop(int signal_number)
{
	(void)signal_number;
	is_stopping = 1;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int open_control(void)
{
	struct sockaddr_un address = socket_address();
	int other = connect_control();
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (other >= 0)
		die("%s: another wanem answers there", socket_file);
	unlink(socket_file);
	owns_socket = listener >= 0 && !bind(listener, (struct sockaddr *)&address, sizeof address);
	if (!owns_socket || listen(listener, 8))
		die("%s: %s", socket_file, strerror(errno));
	return listener;
}

static void watch(int epoll, int fd, int number)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)number};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll: %s", strerror(errno));
}

static void wait_and_move(int epoll, int listener)
{
	struct epoll_event events[MAX_NODES + 1];
	const struct packet *first = flight_first();
	uint64_t now_ns = clock_now_ns(), wait_ns = NS_PER_S;

	if (first)
		wait_ns = first->due_ns > now_ns ? first->due_ns - now_ns : 0;
	struct timespec timeout = {
	    .tv_sec = (time_t)(wait_ns / NS_PER_S), .tv_nsec = (long)(wait_ns % NS_PER_S)};
	int ready = epoll_pwait2(epoll, events, MAX_NODES + 1, &timeout, NULL);
	for (int i = 0; i < ready; i++) {
		if (events[i].data.u32 == CONTROL_EVENT)
			answer_command(listener);
		else
			read_node((int)events[i].data.u32);
	}
	deliver_due();
}

static int run_network(const char *scenario)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener = open_control();

	catch_signals();
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	read_scenario(scenario);
	for (int i = 0; i < node_count; i++)
		watch(epoll, nodes[i].tun, i);
	watch(epoll, listener, CONTROL_EVENT);
	puts("ready");
	fflush(stdout);
	while (!is_stopping)
		wait_and_move(epoll, listener);
	language_print_stats(stdout);
	leave_nothing();
	return 0;
}

static int complain_usage(void)
{
	fputs(
	    "usage: wanem -p PREFIX [-s SOCKET] [-S SEED] run SCENARIO | ctl 'COMMAND'\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1;
	int option;

	while ((option = getopt(argc, argv, "s:S:p:")) != -1) {
		if (option == 's' && strlen(optarg) < sizeof socket_file)
			memcpy(socket_file, optarg, strlen(optarg) + 1);
		else if (option == 'S')
			seed = strtoull(optarg, NULL, 0);
		else if (option == 'p' && net_is_plain_name(optarg))
			prefix = optarg;
		else
			return complain_usage();
	}
	if (!prefix || argc - optind != 2)
		return complain_usage();
	if (!*socket_file)
		snprintf(socket_file, sizeof socket_file, "/run/wanem-%s.sock", prefix);
	path_seed_random(seed);
	if (!strcmp(argv[optind], "run"))
		return run_network(argv[optind + 1]);
	if (!strcmp(argv[optind], "ctl"))
		return run_control(argv[optind + 1]);
	return complain_usage();
}
