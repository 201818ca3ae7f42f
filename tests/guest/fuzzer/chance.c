// SPDX-License-Identifier: GPL-2.0-only
/* Numbers that look random, the same ones for the same seed: splitmix64. */
#include "fuzzer.h"

uint64_t chance_next(struct chance *chance)
{
	uint64_t number = chance->state += 0x9e3779b97f4a7c15;

	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return number ^ number >> 31;
}

uint32_t chance_below(struct chance *chance, uint32_t limit)
{
	return (chance_next(chance) >> 32) * limit >> 32;
}
