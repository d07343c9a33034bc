#ifndef IPW_CLI_HUB_TOKEN_H
#define IPW_CLI_HUB_TOKEN_H

struct hub_token {
    char text[500];
};

/* HF_TOKEN, else the file that the hub's own tools keep; "" where there is neither. */
const char *cli_hub_token(struct hub_token *t);

#endif
