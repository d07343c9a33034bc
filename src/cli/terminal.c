#include "cli/terminal.h"

#include <sys/ioctl.h>

int terminal_columns(int fd)
{
    struct winsize w;
    return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

int terminal_text(int fd)
{
    int n = terminal_columns(fd);
    return n > 80 ? 80 : n < 30 ? 30 : n;
}
