#include "cli/hub_token.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cli/cli.h"
#include "cli/paths.h"

const char *cli_hub_token(struct hub_token *t)
{
    char path[PATH_MAX];
    struct ipw_buf b = IPW_BUF_INIT;
    struct ipw_err err;
    snprintf(t->text, sizeof t->text, "%s", cli_setting("HF_TOKEN"));
    if (*cli_setting("HF_HOME"))
        snprintf(path, sizeof path, "%s/token", cli_setting("HF_HOME"));
    else
        cli_home(".cache/huggingface/token", path);
    if (!*t->text && *path && fs_exists(path) && !fs_read(path, sizeof t->text - 1, &b, &err))
        snprintf(t->text, sizeof t->text, "%s", b.s);
    t->text[strcspn(t->text, " \t\r\n")] = '\0';
    ipw_buf_release(&b);
    return t->text;
}
