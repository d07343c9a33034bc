/* What the reference leaves to trained models: the language of a text, its sentences, its tokens. These are rules, and their
 * verdicts are approximate (datasets 2.7). */
#include "score/ifeval.h"

#include <string.h>

/* ---- case ---- */

static bool is_upper(uint32_t c)
{
    return scan_lower(c) != c;
}

/* A small letter is one that a capital becomes; those that none does in one step are listed. */
static bool is_small(uint32_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z';
    return !is_upper(c) && (c == 0xdf || c == 0xff || scan_lower(c - 32) == c || scan_lower(c - 1) == c ||
                            scan_lower(c - 80) == c);
}

static bool all_cased(struct span t, bool upper)
{
    bool any = false;
    size_t len;
    for (size_t i = 0; i < t.n; i += len) {
        uint32_t c = scan_char(t.s + i, t.n - i, &len);
        if (upper ? is_small(c) : is_upper(c))
            return false;
        any |= upper ? is_upper(c) : is_small(c);
    }
    return any;
}

bool ifeval_upper(struct span t)
{
    return all_cased(t, true);
}

bool ifeval_small(struct span t)
{
    return all_cased(t, false);
}

/* ---- language ---- */

static const struct {
    uint32_t lo, hi;
    const char *code;
} scripts[] = {
    {0x0900, 0x097f, "hi"}, {0x0980, 0x09ff, "bn"}, {0x0a00, 0x0a7f, "pa"}, {0x0a80, 0x0aff, "gu"}, {0x0b80, 0x0bff, "ta"},
    {0x0c00, 0x0c7f, "te"}, {0x0c80, 0x0cff, "kn"}, {0x0d00, 0x0d7f, "ml"}, {0x0e00, 0x0e7f, "th"}, {0x0400, 0x04ff, "ru"},
    {0x0600, 0x06ff, "ar"}, {0x0590, 0x05ff, "he"}, {0x0370, 0x03ff, "el"}, {0x3040, 0x30ff, "ja"}, {0x4e00, 0x9fff, "zh"},
    {0xac00, 0xd7a3, "ko"}, {0x1ea0, 0x1ef9, "vi"},
};

/* Letters and words that tell languages of one script apart; the first row that is there decides. */
static const struct {
    const char *script, *sign, *code;
} signs[] = {
    {"ar", "\xdb\x92", "ur"}, {"ar", "\xd9\xb9", "ur"}, {"ar", "\xda\x88", "ur"}, {"ar", "\xda\x91", "ur"},
    {"ar", "\xd9\xbe", "fa"}, {"ar", "\xda\x86", "fa"}, {"ar", "\xda\x98", "fa"}, {"ar", "\xda\xaf", "fa"},
    {"hi", "\xe0\xa4\xb3", "mr"},                         /* LLA */
    {"hi", "\xe0\xa4\x86\xe0\xa4\xb9\xe0\xa5\x87", "mr"}, /* aahe */
    {"hi", "\xe0\xa4\x86\xe0\xa4\xa3\xe0\xa4\xbf", "mr"}, /* aani */
    {"hi", "\xe0\xa4\xb9\xe0\xa4\xb0\xe0\xa5\x82", "ne"}, /* haru */
    {"hi", "\xe0\xa4\x9b", "ne?"},                        /* CHHA: Nepali's verb, but Hindi has it too */
};

static const struct {
    const char *code, *words; /* each between two spaces */
} frequent[] = {
    {"en", " the and of to in is that it for you with was are this be have not on as at your we can will i my an or by "
           "from they he she his her their has but so if what all when there which do no me our a "},
    {"de", " der die das und ist nicht ich ein eine zu den mit von dem des auf f\xc3\xbcr im sich auch es sie wir an als "
           "wie oder werden haben sind war aber nach bei "},
    {"fr", " le la les et est une un des que dans pour qui sur pas avec au ce il elle nous vous je sont mais du ne se "},
    {"es", " el la los las y es una un que en para por con no su lo como m\xc3\xa1s pero del al se yo mi est\xc3\xa1 son "},
    {"pt", " o a os as e \xc3\xa9 uma um que em para por com n\xc3\xa3o seu sua mais mas do da dos das ao no na se voc\xc3\xaa "
           "eu meu s\xc3\xa3o est\xc3\xa1 foi "},
    {"it", " il la lo gli le e \xc3\xa8 una un che di per con non si pi\xc3\xb9 ma del della dei nel sono come da questo io "
           "mi ho anche alla "},
    {"nl", " de het een en van ik is niet dat op te in zijn voor met die je hij aan er maar ook als naar "},
    {"sv", " och att det som en p\xc3\xa5 \xc3\xa4r av f\xc3\xb6r med den till inte jag om har ett var de "},
    {"fi", " ja on ei se ett\xc3\xa4 h\xc3\xa4n oli ovat mutta kun niin my\xc3\xb6s tai jos olen sen min\xc3\xa4 kuin "
           "t\xc3\xa4m\xc3\xa4 sin\xc3\xa4 ole joka mit\xc3\xa4 voi "},
    {"sw", " na ya wa kwa ni katika za la cha kuwa hii yangu yako lakini pia kama sana huu hiyo watu wangu si au yake "
           "mimi wewe hapa "},
    {"vi", " v\xc3\xa0 l\xc3\xa0 c\xe1\xbb\xa7" "a c\xc3\xb3 kh\xc3\xb4ng m\xe1\xbb\x99t cho t\xc3\xb4i \xc4\x91\xc6\xb0\xe1\xbb\xa3" "c "
           "trong v\xe1\xbb\x9bi c\xc3\xa1" "c nh\xe1\xbb\xafng n\xc3\xa0y "},
    {"id", " yang dan di untuk dengan ini itu dari dalam tidak pada adalah saya akan ke kami "},
    {"tr", " ve bir bu i\xc3\xa7in ile de da ben \xc3\xa7ok daha ama gibi olarak "},
    {"pl", " i w na nie to si\xc4\x99 z jest do \xc5\xbc" "e jak ale po co tak "},
};

static bool listed(const char *words, struct span w)
{
    for (const char *p = words; (p = memmem(p, strlen(p), w.s, w.n)); p++)
        if (p[-1] == ' ' && p[w.n] == ' ')
            return true;
    return false;
}

/* By the commonest words of a text in small letters: at least two, and more than any other language has. */
static const char *by_words(struct span t)
{
    enum { N = sizeof frequent / sizeof frequent[0], ENOUGH = 4000 };
    size_t hits[N] = {0}, best = 0, second = 0, words = 0, which = N, len;
    for (size_t i = 0; i < t.n && words < ENOUGH; i += len) {
        scan_char(t.s + i, t.n - i, &len);
        if (!scan_word_at(t, i) || scan_word_before(t, i))
            continue;
        size_t end = i, k;
        while (scan_word_at(t, end)) {
            scan_char(t.s + end, t.n - end, &k);
            end += k;
        }
        struct span word = scan_sub(t, i, end);
        for (size_t f = 0; f < N && word.n < 12; f++)
            hits[f] += listed(frequent[f].words, word);
        words++;
        len = end - i;
    }
    for (size_t f = 0; f < N; f++) {
        if (hits[f] > best) {
            second = best;
            best = hits[f];
            which = f;
        } else if (hits[f] > second) {
            second = hits[f];
        }
    }
    return best >= 2 && best > second ? frequent[which].code : NULL;
}

static const char *sibling(struct span t, const char *script)
{
    if (!strcmp(script, "ru")) { /* Bulgarian has neither of these letters */
        static const char *const russian[] = {"\xd1\x8b", "\xd1\x8d", "\xd1\x91"};
        for (size_t i = 0; i < 3; i++)
            if (scan_find(t, 0, russian[i]) < t.n)
                return "ru";
        return "bg";
    }
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (!strcmp(signs[i].script, script) && scan_find(t, 0, signs[i].sign) < t.n)
            return signs[i].code[2] != '?' ? signs[i].code
                   : scan_find(t, 0, "\xe0\xa4\xb9\xe0\xa5\x88") < t.n ? script /* hai: Hindi's "is" */
                                                                       : "ne";
    return script;
}

const char *ifeval_language(struct span t, struct ipw_arena *arena)
{
    enum { N = sizeof scripts / sizeof scripts[0] };
    size_t letters[N] = {0}, latin = 0, most = 0, len;
    struct span small = ifeval_lower(t, arena);
    for (size_t i = 0; i < small.n; i += len) {
        uint32_t c = scan_char(small.s + i, small.n - i, &len);
        latin += (c >= 'a' && c <= 'z') || (c >= 0xc0 && c < 0x250);
        for (size_t k = 0; k < N; k++)
            letters[k] += c >= scripts[k].lo && c <= scripts[k].hi;
    }
    for (size_t k = 0; k < N; k++)
        most = letters[k] > letters[most] ? k : most;
    if (!strcmp(scripts[most].code, "vi"))
        return letters[most] * 20 > latin ? "vi" : by_words(small);
    if (letters[most] > latin)
        return sibling(small, scripts[most].code);
    return latin ? by_words(small) : NULL;
}

/* ---- sentences ---- */

static bool is_word(struct span t, size_t from, size_t to, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == to - from && !memcmp(t.s + from, *list, to - from))
            return true;
    return false;
}

/* The point at i ends no sentence: an abbreviation, an initial, a number, a domain. */
static bool protected_point(struct span t, size_t i)
{
    static const char *const titles[] = {"Mr", "Mrs", "Ms", "Dr", "St", "Prof", "Capt", "Lt", "Inc", "Ltd", "Jr", "Sr",
                                         "Co", "Ph", "vs", "etc", "e.g", "i.e", NULL};
    static const char *const domains[] = {"com", "net", "org", "io", "gov", "edu", "me", NULL};
    size_t from = i, to = i + 1;
    while (from && !scan_space(t.s[from - 1]) && i - from < 12)
        from--;
    while (to < t.n && ipw_isalnum((unsigned char)t.s[to]) && to - i < 12)
        to++;
    char before = i ? t.s[i - 1] : ' ', after = scan_at(t, i + 1);
    if (ipw_isdigit((unsigned char)before) && ipw_isdigit((unsigned char)after))
        return true;
    if (is_word(t, i + 1, to, domains) || ipw_isalpha((unsigned char)after)) /* no space: inside a word */
        return true;
    bool initial = before >= 'A' && before <= 'Z' && (i == 1 || !ipw_isalnum((unsigned char)t.s[i - 2]));
    return initial || is_word(t, from, i, titles);
}

int64_t ifeval_sentences(struct span t)
{
    int64_t n = 0;
    bool open = false; /* something was said since the last end */
    for (size_t i = 0; i < t.n; i++) {
        char c = t.s[i];
        if (c != '.' && c != '?' && c != '!') {
            open |= !scan_space(c) && !strchr("\"')]*", c);
            continue;
        }
        size_t end = i;
        while (end < t.n && strchr(".?!", t.s[end]))
            end++;
        bool single = end == i + 1;
        if (!single || c != '.' || !protected_point(t, i)) {
            n += open;
            open = false;
        }
        i = end - 1;
    }
    return n + open;
}

/* ---- tokens ---- */

/* A run between white space and marks, cut before 's, n't and their kin. */
static int64_t capital_pieces(struct span w)
{
    const char *quote = memchr(w.s, '\'', w.n);
    if (!quote)
        return ifeval_upper(w);
    size_t at = (size_t)(quote - w.s);
    if (at && at + 1 < w.n && (w.s[at - 1] == 'N' || w.s[at - 1] == 'n') && ipw_tolower(w.s[at + 1]) == 't' && at + 2 == w.n)
        at--;
    return ifeval_upper(scan_sub(w, 0, at)) + ifeval_upper(scan_sub(w, at, w.n));
}

int64_t ifeval_capital_words(struct span t)
{
    int64_t n = 0;
    for (size_t i = 0; i < t.n;) {
        size_t end = i;
        while (end < t.n && !scan_space(t.s[end]) && !strchr(",;:@#$%&?!\"()[]{}<>*", t.s[end]))
            end++;
        struct span w = scan_sub(t, i, end);
        while (w.n && w.s[w.n - 1] == '.')
            w.n--;
        n += w.n ? capital_pieces(w) : 0;
        i = end + 1;
    }
    return n;
}
