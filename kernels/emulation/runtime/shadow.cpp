#include "shadow.h"

namespace easel_emulation {

size_t shadow_bytes = 0;

void Shadow::Page::refine(size_t bounds) {
    const u32 wanted = (bounds & 1) != 0 ? 0 : (bounds & 2) != 0 ? 1 : 2;
    if (cells != nullptr && wanted >= shift) return;
    const u32 old_shift = shift, finer = cells == nullptr ? 0 : shift - wanted;
    shift = wanted < shift ? wanted : shift;
    const size_t count = page_bytes >> shift;
    // Zeros: never written, never read.
    auto refined = std::make_unique<Cell[]>(count);
    if (cells != nullptr) {
        for (size_t i = 0; i < count; i++) {
            refined[i] = cells[i >> finer];
            if (refined[i].readers != 0) refined[i].readers |= common_set;
        }
        shadow_bytes -= (page_bytes >> old_shift) * sizeof(Cell);
    }
    shadow_bytes += count * sizeof(Cell);
    cells = std::move(refined);
}

void ReaderSets::begin_epoch(u32 threads) {
    part_words = 1 + (threads + 63) / 64;
    words.assign(part_words, 0); // so that no set has the number 0
}

u32 ReaderSets::add_to_other_part(u32 set, const Moment& reader) {
    u32 part = set;
    while (part != 0 && static_cast<u32>(words[part]) != reader.clock) part = static_cast<u32>(words[part] >> 32);
    if (part == 0) {
        part = static_cast<u32>(words.size());
        words.resize(words.size() + part_words, 0);
        words[part] = reader.clock | static_cast<u64>(set) << 32;
        set = part;
    }
    words[part + 1 + reader.thread / 64] |= u64{1} << reader.thread % 64;
    return set;
}

u32 ReaderSets::copy(u32 set) {
    u32 copied = 0;
    for (u32 part = set; part != 0; part = static_cast<u32>(words[part] >> 32)) {
        const u32 to = static_cast<u32>(words.size());
        words.resize(words.size() + part_words);
        words[to] = static_cast<u32>(words[part]) | static_cast<u64>(copied) << 32;
        for (u32 word = 1; word < part_words; word++) words[to + word] = words[part + word];
        copied = to;
    }
    return copied;
}

bool ReaderSets::find_unordered(u32 set, u32 thread, u32 epoch, Moment& found) const {
    for (u32 part = set & ~common_set; part != 0; part = static_cast<u32>(words[part] >> 32)) {
        for (u32 word = 0; word + 1 < part_words; word++) {
            for (u64 bits = words[part + 1 + word]; bits != 0; bits &= bits - 1) {
                found = {epoch, static_cast<u32>(words[part]), word * 64 + static_cast<u32>(__builtin_ctzll(bits)), 0};
                if (!comes_before(found, thread)) return true;
            }
        }
    }
    return false;
}

} // namespace easel_emulation
