// SPDX-License-Identifier: MIT
/**
 * @file
 * @brief The message: one sample of a measurement.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/**
 * @brief What one channel measured at one time.
 *
 * The largest members come first and every byte has a name, so that compilers
 * of 32 and 64 bits agree on sizes and offsets, and no byte goes out unset.
 * The order of bytes is that of the machine, which sender and receiver share.
 */
struct sample {
    uint64_t timestamp; ///< Nanoseconds since 1970; 8 bytes at offset 0.
    double value;       ///< Degrees Celsius; 8 bytes at offset 8.
    uint32_t channel;   ///< Number of the sensor; 4 bytes at offset 16.
    uint32_t unused;    ///< Padding with a name, 0; 4 bytes at offset 20.
};

static_assert(sizeof(struct sample) == 24, "a sample has 24 bytes");
static_assert(offsetof(struct sample, timestamp) == 0, "timestamp moved");
static_assert(offsetof(struct sample, value) == 8, "value moved");
static_assert(offsetof(struct sample, channel) == 16, "channel moved");
static_assert(offsetof(struct sample, unused) == 20, "unused moved");

#endif
