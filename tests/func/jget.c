/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/func/jget.c - members of the JSON object on standard input, as "jq -r" prints them: in the
 * emulated machine jq takes most of a second to start. Test code.
 *   jget '.worker.pid'      a line each: a string without its quotes, "null" for what is not there
 *   jget '.state, .size'
 * 1 when there is none.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *member(struct json_object *o, char *path)
{
	char *left = NULL;

	for (char *key = strtok_r(path, ".", &left); key && o; key = strtok_r(NULL, ".", &left))
		if (!json_object_object_get_ex(o, key, &o))
			o = NULL;
	return o ? json_object_get_string(o) : "null";
}

int main(int argc, char **argv)
{
	struct json_object *root = argc == 2 ? json_object_from_fd(STDIN_FILENO) : NULL;
	char *left = NULL;

	if (!root)
		return 1; /* as where the one who was to print it failed */
	for (char *path = strtok_r(argv[1], ", ", &left); path; path = strtok_r(NULL, ", ", &left))
		(void)puts(member(root, path));
	json_object_put(root);
	return 0;
}
