#include "json.h"

#include <string.h>

/* What PostgreSQL's numeric holds has no more digits, and no longer an exponent, than a multiple of these. */
enum { MANY_DIGITS = 500, LONG_EXPONENT = 4 };

static const uint64_t ONES = 0x0101010101010101u, TOPS = 0x8080808080808080u;

/* Past the characters that are only themselves: no quote, no backslash, no control, ASCII. */
static inline const char *plain(const char *at, const scan *of) {
    while (at + 8 <= of->limit) {
        uint64_t word;
        memcpy(&word, at, 8);
        uint64_t quote = (word ^ (ONES * '"')) - ONES, backslash = (word ^ (ONES * '\\')) - ONES;
        /* A borrow only marks bytes above one that is marked rightly, and the lowest mark is what counts. */
        uint64_t marks = ((word - ONES * 0x20) | quote | backslash | word) & TOPS;
        if (marks) return at + (__builtin_ctzll(marks) >> 3);
        at += 8;
    }
    while ((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' && *at != '\\') at++;
    return at;
}

static inline bool continues(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

/* One character of two to four bytes (RFC 3629: no surrogates, nothing overlong, nothing beyond U+10FFFF). */
static const char *wide_character(const char *at) {
    unsigned char first = (unsigned char)at[0], second = (unsigned char)at[1];
    if (!continues(at[1])) return NULL;
    if (first >= 0xC2 && first <= 0xDF) return at + 2;
    if (!continues(at[2])) return NULL;
    if (first == 0xE0) return second >= 0xA0 ? at + 3 : NULL;
    if (first == 0xED) return second <= 0x9F ? at + 3 : NULL;
    if (first >= 0xE1 && first <= 0xEF) return at + 3;
    if (!continues(at[3])) return NULL;
    if (first == 0xF0) return second >= 0x90 ? at + 4 : NULL;
    if (first == 0xF4) return second <= 0x8F ? at + 4 : NULL;
    return first >= 0xF1 && first <= 0xF3 ? at + 4 : NULL;
}

/* Four hexadecimal digits, or -1. */
static int32_t unit(const char *at) {
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = json_digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

static bool is_high(int32_t of) { return of >= 0xD800 && of <= 0xDBFF; }
static bool is_low(int32_t of) { return of >= 0xDC00 && of <= 0xDFFF; }

/* From after the backslash. Half a surrogate pair is refused: UTF-8 cannot hold it. */
static const char *escape(const char *at, scan *of) {
    if (*at == 'u') {
        int32_t first = unit(at + 1);
        if (first < 0 || is_low(first)) return NULL;
        of->nul |= first == 0;
        if (!is_high(first)) return at + 5;
        return at[5] == '\\' && at[6] == 'u' && is_low(unit(at + 7)) ? at + 11 : NULL;
    }
    return *at && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
}

const char *json_string(const char *at, scan *of, bool *escaped) {
    *escaped = false;
    for (;;) {
        at = plain(at, of);
        if (*at == '"') return at;
        if (*at == '\\') {
            *escaped = true;
            at = escape(at + 1, of);
        } else if ((unsigned char)*at >= 0x80) {
            at = wide_character(at);
        } else {
            return NULL;
        }
        if (!at) return NULL;
    }
}

static const char *digits(const char *at) {
    while (json_digit(*at)) at++;
    return at;
}

const char *json_number(const char *at, scan *of) {
    if (*at == '-') at++;
    const char *whole = at;
    if (!json_digit(*at) || (*at == '0' && json_digit(at[1]))) return NULL;
    at = digits(at);
    if (*at == '.') {
        if (!json_digit(*++at)) return NULL;
        at = digits(at);
    }
    of->wide |= at - whole > MANY_DIGITS;
    if (*at == 'e' || *at == 'E') {
        at++;
        if (*at == '+' || *at == '-') at++;
        const char *exponent = at;
        if (!json_digit(*at)) return NULL;
        at = digits(at);
        of->wide |= at - exponent > LONG_EXPONENT;
    }
    return at;
}

static const char *word(const char *at, const char *expected) {
    size_t length = strlen(expected);
    return strncmp(at, expected, length) == 0 ? at + length : NULL;
}

static const char *quoted(const char *at, scan *of) {
    bool escaped;
    at = json_string(at, of, &escaped);
    return at ? at + 1 : NULL;
}

/* An array's or an object's, from after its opening bracket. */
static const char *members(const char *at, scan *of, int depth, char close) {
    at = json_space(at);
    if (*at == close) return at + 1;
    for (;;) {
        if (close == '}') {
            if (*at != '"' || !(at = quoted(at + 1, of))) return NULL;
            at = json_space(at);
            if (*at++ != ':') return NULL;
            at = json_space(at);
        }
        if (!(at = json_value(at, of, depth + 1))) return NULL;
        at = json_space(at);
        if (*at == close) return at + 1;
        if (*at++ != ',') return NULL;
        at = json_space(at);
    }
}

const char *json_value(const char *at, scan *of, int depth) {
    if (depth > DEEPEST) return NULL;
    switch (*at) {
    case '"': return quoted(at + 1, of);
    case '{': return members(at + 1, of, depth, '}');
    case '[': return members(at + 1, of, depth, ']');
    case 't': return word(at, "true");
    case 'f': return word(at, "false");
    case 'n': return word(at, "null");
    default: return json_number(at, of);
    }
}

static char *encode(int32_t point, char *to) {
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xC0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        *to++ = (char)(0xE0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    } else {
        *to++ = (char)(0xF0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3F));
        *to++ = (char)(0x80 | (point >> 6 & 0x3F));
        *to++ = (char)(0x80 | (point & 0x3F));
    }
    return to;
}

char *json_unescape(text escaped, char *to) {
    const char *at = escaped.bytes, *end = at + escaped.length;
    while (at < end) {
        const char *next = memchr(at, '\\', (size_t)(end - at));
        size_t run = (size_t)((next ? next : end) - at);
        memcpy(to, at, run);
        to += run;
        if (!next) break;
        at = next + 2;
        switch (next[1]) {
        case 'b': *to++ = '\b'; break;
        case 'f': *to++ = '\f'; break;
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case 't': *to++ = '\t'; break;
        case 'u': {
            int32_t point = unit(at);
            at += 4;
            if (is_high(point)) {
                point = 0x10000 + ((point - 0xD800) << 10) + (unit(at + 2) - 0xDC00);
                at += 6;
            }
            to = encode(point, to);
            break;
        }
        default: *to++ = next[1];
        }
    }
    return to;
}
