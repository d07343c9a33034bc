#include "cli/terminal.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include "base/str.h"
#include "cli/cli.h"

int terminal_columns(int fd)
{
    struct winsize w;
    return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

int terminal_rows(int fd)
{
    struct winsize w;
    return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_row > 0 ? w.ws_row : 24;
}

int terminal_text(int fd)
{
    int n = terminal_columns(fd);
    return n > 80 ? 80 : n < 30 ? 30 : n;
}

bool terminal_takes(int fd)
{
    struct pollfd p = {fd, POLLOUT, 0};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

int terminal_live(int lines)
{
    static _Atomic int live;
    return atomic_exchange(&live, lines);
}

int terminal_line(int width)
{
    static _Atomic int drawn;
    return atomic_exchange(&drawn, width);
}

bool terminal_moves(bool tty)
{
    const char *term = cli_setting("TERM");
    return tty && *term && !ipw_streq(term, "dumb");
}
