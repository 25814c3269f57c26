#include "cells.h"

#include "json.h"

/* The digits of decimal128(38, 9). A whole part one digit short of the most cannot be rounded up beyond it. */
enum { SCALE = 9, WHOLE = 28 };
/* The digits of an unsigned number of 128 bits, with one to spare. */
enum { MOST_DIGITS = 37, LONGEST_EXPONENT = 4 };

static const int64_t MICROS = 1000000, DAY = 86400 * (int64_t)1000000;

bool cell_integer(text number, int64_t *value) {
    const char *at = number.bytes, *end = at + number.length;
    bool negative = *at == '-';
    at += negative;
    const char *digits = at;
    uint64_t sum = 0;
    for (; at < end && json_digit(*at); at++) {
        /* 19 digits fit an unsigned number, if not a signed one. */
        if (at - digits == 19) return false;
        sum = sum * 10 + (uint64_t)(*at - '0');
    }
    if (at == digits || sum > INT64_MAX) return false;
    if (at < end && *at == '.')
        for (at++; at < end && *at == '0';) at++;
    *value = negative ? -(int64_t)sum : (int64_t)sum;
    return at == end;
}

/* Digits that are too large by a power of ten; what has to go is rounded half away from zero. */
static bool scaled(unsigned __int128 digits, int64_t power, unsigned __int128 *value, int *loss) {
    *value = digits;
    if (power > MOST_DIGITS || power < -MOST_DIGITS) return false;
    for (; power < 0; power++) *value *= 10;
    if (power == 0) return true;
    unsigned __int128 by = 1;
    for (; power > 0; power--) by *= 10;
    unsigned __int128 rest = digits % by;
    if (rest) *loss |= LOSS_DIGITS;
    *value = digits / by + (rest >= by - rest);
    return true;
}

/* From after the e to the end. */
static bool read_exponent(const char *at, const char *end, int64_t *exponent) {
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    const char *digits = at;
    *exponent = 0;
    for (; at < end && json_digit(*at); at++) {
        if (at - digits == LONGEST_EXPONENT) return false;
        *exponent = *exponent * 10 + (*at - '0');
    }
    if (negative) *exponent = -*exponent;
    return at == end && at > digits;
}

bool cell_decimal(text number, __int128 *value, int *loss) {
    const char *at = number.bytes, *end = at + number.length, *point = NULL;
    bool negative = *at == '-';
    at += negative;
    if (at == end || !json_digit(*at)) return false;
    unsigned __int128 sum = 0;
    int64_t kept = 0, fraction = 0, exponent = 0;
    for (; at < end && (json_digit(*at) || (*at == '.' && !point)); at++) {
        if (*at == '.') {
            point = at;
            continue;
        }
        sum = sum * 10 + (unsigned)(*at - '0');
        kept += kept || *at != '0';
        fraction += point != NULL;
        if (kept == MOST_DIGITS) return false;
    }
    if (at < end && ((*at != 'e' && *at != 'E') || !read_exponent(at + 1, end, &exponent))) return false;
    int64_t power = fraction - exponent;
    if (kept - power > WHOLE || !scaled(sum, power - SCALE, &sum, loss)) return false;
    *value = negative ? -(__int128)sum : (__int128)sum;
    return true;
}

bool cell_is_plain_number(text of) {
    const char *at = of.bytes, *end = at + of.length;
    at += at < end && *at == '-';
    if (at == end || (*at == '0' && at + 1 < end && at[1] != '.')) return false;
    bool pointed = false;
    for (const char *first = at; at < end; at++) {
        if (json_digit(*at)) continue;
        if (*at != '.' || pointed || at == first) return false;
        pointed = true;
    }
    return at[-1] != '.';
}

/* Two digits, or a number of 100 and more. */
static inline unsigned pair(const char *at) {
    unsigned tens = (unsigned)(at[0] - '0'), ones = (unsigned)(at[1] - '0');
    return tens < 10 && ones < 10 ? tens * 10 + ones : 100;
}

static bool is_leap(unsigned year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

/* Days from 1970-01-01 in the Gregorian calendar, carried back (ISO 8601). */
static int64_t days_from(unsigned year, unsigned month, unsigned day) {
    static const int16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t last = (int64_t)year - 1;
    int64_t days = last * 365 + last / 4 - last / 100 + last / 400 - 719162;
    return days + before[month - 1] + (month > 2 && is_leap(year)) + day - 1;
}

/* YYYY-MM-DD of a day that exists. */
static bool read_date(const char *at, int64_t *days) {
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned century = pair(at), years = pair(at + 2), month = pair(at + 5), day = pair(at + 8);
    if (century > 99 || years > 99 || at[4] != '-' || at[7] != '-') return false;
    unsigned year = century * 100 + years;
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    if (day > (unsigned)lengths[month - 1] + (month == 2 && is_leap(year))) return false;
    *days = days_from(year, month, day);
    return true;
}

/* HH:MM, or HH:MM:SS and up to six digits that count. */
static const char *read_clock(const char *at, const char *end, int64_t *micros, int *loss) {
    if (end - at < 5 || at[2] != ':') return NULL;
    unsigned hour = pair(at), minute = pair(at + 3), second = 0;
    at += 5;
    bool precise = at < end && *at == ':';
    if (precise) {
        if (end - at < 3) return NULL;
        second = pair(at + 1);
        at += 3;
    }
    if (hour > 23 || minute > 59 || second > 59) return NULL;
    *micros = (int64_t)(hour * 3600 + minute * 60 + second) * MICROS;
    if (!precise) return at;
    if (at == end || *at != '.') return at;
    at++;
    if (at == end || !json_digit(*at)) return NULL;
    int64_t unit = MICROS / 10;
    for (; at < end && json_digit(*at); at++, unit /= 10) {
        if (unit) *micros += (*at - '0') * unit;
        else if (*at != '0') *loss |= LOSS_DIGITS;
    }
    return at;
}

/* Z, +HH:MM, +HHMM or +HH up to the end; nothing is Z too. */
static bool read_zone(const char *at, const char *end, int64_t *east) {
    *east = 0;
    if (at == end) return true;
    if (*at == 'Z') return at + 1 == end;
    if (*at != '+' && *at != '-') return false;
    const char *digits = at + 1;
    int64_t length = end - digits;
    unsigned hour = length >= 2 ? pair(digits) : 100, minute = 0;
    if (length == 5 && digits[2] == ':') minute = pair(digits + 3);
    else if (length == 4) minute = pair(digits + 2);
    else if (length != 2) return false;
    if (hour > 23 || minute > 59) return false;
    *east = (int64_t)(hour * 60 + minute) * 60 * MICROS * (*at == '-' ? -1 : 1);
    return true;
}

/* A date, and what follows it: a time and a zone, or nothing, which is midnight in UTC. */
static bool read_moment(text of, int64_t *days, int64_t *clock, int64_t *east, int *loss) {
    const char *at = of.bytes, *end = at + of.length;
    *clock = *east = 0;
    if (of.length < 10 || !read_date(at, days)) return false;
    at += 10;
    if (at == end) return true;
    if (*at != 'T' && *at != ' ') return false;
    at = read_clock(at + 1, end, clock, loss);
    return at && read_zone(at, end, east);
}

bool cell_date(text of, const plan *limits, int32_t *days, int *loss) {
    int64_t found, clock, east;
    int finer = 0;
    if (!read_moment(of, &found, &clock, &east, &finer)) return false;
    if (clock || east || finer) *loss |= LOSS_FORM;
    *days = (int32_t)found;
    return found >= limits->first_day && found <= limits->last_day;
}

bool cell_timestamp(text of, bool zoned, const plan *limits, int64_t *micros, int *loss) {
    int64_t days, clock, east;
    if (!read_moment(of, &days, &clock, &east, loss)) return false;
    if (!zoned && east) *loss |= LOSS_FORM;
    *micros = days * DAY + clock - (zoned ? east : 0);
    return *micros >= limits->first_day * DAY && *micros < (limits->last_day + 1) * DAY;
}
