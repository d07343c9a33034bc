/* The null server as it is where there is no epoll: the same tests over poll(2). */
#define NULL_SERVER_HERE
#include "net/null_server.c"

#include <limits.h>

#undef __linux__
#include "net/ready.c"

#include "test_null_server.c"
