/* The null server as it is where there is no epoll: the same tests over poll(2). */
#define NULL_WAIT_POLL
#include "net/null_wait.c"
#include "net/null_server.c"

#include "test_null_server.c"
