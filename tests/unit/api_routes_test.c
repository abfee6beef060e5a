/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which handler a request gets, and what is said of those that get none. */
#include "tests/unit/cmocka_all.h"

#include "control/api_routes.h"

#include <string.h>

static struct api_request request;
static struct problem problem;

uint64_t control_now_ms(void)
{
	return 0;
}

uint64_t control_steady_ms(void)
{
	return 0;
}

static api_handler_fn *find(const char *method, const char *path)
{
	const struct api_route *route;

	problem = (struct problem){0};
	request = (struct api_request){.method = method, .path = path};
	route = api_route_find(&request, &problem);
	return route ? route->handle : NULL;
}

static void names_are_taken_from_the_path(void **state)
{
	(void)state;
	assert_ptr_equal(find("GET", "/v1/nodes"), api_node_list);
	assert_ptr_equal(find("GET", "/v1/nodes/tyo-1"), api_node_show);
	assert_string_equal(request.parameters[0], "tyo-1");
	assert_ptr_equal(find("GET", "/v1/tunnels/tyo-1/osl.1"), api_tunnel_show);
	assert_string_equal(request.parameters[1], "osl.1");
	assert_ptr_equal(find("PATCH", "/v1/accelerators/web"), api_accelerator_update);
}

static void head_is_get(void **state)
{
	(void)state;
	assert_ptr_equal(find("HEAD", "/v1/nodes/tyo-1"), api_node_show);
	assert_string_equal(request.parameters[0], "tyo-1");
}

static void expect_none(const char *method, const char *path, enum problem_kind kind)
{
	assert_null(find(method, path));
	assert_int_equal(problem.kind, kind);
}

static void paths_that_are_none(void **state)
{
	char path[200] = "/v1/nodes/";

	(void)state;
	memset(path + strlen(path), 'x', NAME_BYTES);
	expect_none("GET", path, PROBLEM_NO_ROUTE);
	expect_none("GET", "", PROBLEM_NO_ROUTE);
	expect_none("GET", "/", PROBLEM_NO_ROUTE);
	expect_none("GET", "/v1/nodes/", PROBLEM_NO_ROUTE);
	expect_none("GET", "/v1/nodes/a/b", PROBLEM_NO_ROUTE);
	expect_none("GET", "/v1/nodes/..%2f", PROBLEM_NO_ROUTE);
	expect_none("GET", "/v1/tunnels/a", PROBLEM_NO_ROUTE);
	expect_none("GET", "/v1/status\n", PROBLEM_NO_ROUTE);
	assert_null(strchr(problem.detail, '\n'));
}

/* Nobody without a role gets anything, and looking never needs more than a viewer's. */
static void each_route_has_a_least_role(void **state)
{
	(void)state;
	for (size_t i = 0; i < api_route_count; i++) {
		const struct api_route *route = &api_routes[i];
		bool is_look = strcmp(route->method, "GET") == 0;

		for (int role = API_ROLE_NONE; role <= API_ROLE_ADMIN; role++) {
			struct api_caller caller = {
			    .role = (enum api_role)role, .who = "uid 7 (ann)"};
			int result;

			problem = (struct problem){0};
			result = api_route_permits(route, &caller, &problem);
			assert_int_equal(result, role >= (int)route->least ? 0 : -1);
			if (result < 0)
				assert_int_equal(problem.kind, PROBLEM_FORBIDDEN);
		}
		assert_true(route->least > API_ROLE_NONE);
		/* It asks with a body, as a user's address belongs in no path. */
		is_look = is_look || route->handle == api_explain_flow;
		assert_true(is_look || route->least > API_ROLE_VIEWER);
	}
}

static void methods_that_are_none(void **state)
{
	char methods[64];

	(void)state;
	expect_none("PUT", "/v1/nodes/a", PROBLEM_METHOD_NOT_ALLOWED);
	expect_none("HEAD", "/v1/rollback", PROBLEM_METHOD_NOT_ALLOWED);
	expect_none("get", "/v1/nodes", PROBLEM_METHOD_NOT_ALLOWED);
	api_route_methods("/v1/nodes/a", methods, sizeof(methods));
	assert_string_equal(methods, "GET, HEAD, PATCH, DELETE");
	api_route_methods("/v1/nope", methods, sizeof(methods));
	assert_string_equal(methods, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_taken_from_the_path),
	    cmocka_unit_test(head_is_get),
	    cmocka_unit_test(paths_that_are_none),
	    cmocka_unit_test(each_route_has_a_least_role),
	    cmocka_unit_test(methods_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
