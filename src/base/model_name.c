#include "base/model_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

static bool is_quant(const char *w)
{
    static const char *const words[] = {"f16", "bf16", "f32", "fp16", "mxfp4", "nvfp4"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strncasecmp(w, words[i], strlen(words[i])))
            return true;
    w += strchr("iItT", *w) != NULL && *w; /* IQ2_XS, TQ1_0 */
    return (*w == 'q' || *w == 'Q') && ipw_isdigit((unsigned char)w[1]);
}

size_t model_quant_at(const char *stem)
{
    size_t n = strlen(stem);
    for (size_t i = n; i-- > 1;)
        if (strchr("-._", stem[i]) && is_quant(stem + i + 1))
            return i;
    return n;
}

const char *model_quant(const char *file, char out[24])
{
    size_t at = model_quant_at(file), n = 0;
    if (file[at])
        at++;
    else if (is_quant(file)) /* a folder's or a repository's word for it: "Q4_K_M" */
        at = 0;
    else
        return out[0] = '\0', out;
    const char *dynamic = "UD-";
    if (at >= 3 && !strncasecmp(file + at - 3, dynamic, 3))
        at -= 3;
    for (const char *p = file + at; n < 23 && (ipw_isalnum((unsigned char)*p) || *p == '_' || (*p == '-' && n == 2)); p++)
        out[n++] = ipw_toupper(*p);
    out[n] = '\0';
    return out;
}

static bool digits(const char *s, size_t n, int *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (!ipw_isdigit((unsigned char)s[i]))
            return false;
        *out = *out * 10 + (s[i] - '0');
    }
    return true;
}

bool model_part(const char *file, int *part, int *parts, size_t *stem)
{
    const size_t tail = strlen("-00001-of-00003");
    size_t n = strlen(file);
    if (n > 5 && !strcasecmp(file + n - 5, ".gguf"))
        n -= 5;
    *stem = n;
    *part = *parts = 1;
    const char *t = file + n - tail;
    int k, of;
    if (n <= tail || *t != '-' || strncmp(t + 6, "-of-", 4) != 0 || !digits(t + 1, 5, &k) || !digits(t + 10, 5, &of) ||
        k < 1 || k > of)
        return false;
    *part = k;
    *parts = of;
    *stem = n - tail;
    return true;
}

const char *model_family(const char *name, char out[24])
{
    static const char *const makers[] = {"meta", "mistralai", "google", "microsoft", "ibm"}; /* who made it stands first */
    const char *at = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    size_t n = 0;
    for (bool maker = true; maker; at += maker ? n : 0) {
        while (*at && !ipw_isalpha((unsigned char)*at))
            at++;
        for (n = 0; ipw_isalpha((unsigned char)at[n]) && n < 23; n++)
            out[n] = ipw_tolower(at[n]);
        out[n] = '\0';
        maker = false;
        for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
            maker |= !strcmp(out, makers[i]) && at[n];
    }
    return out;
}
