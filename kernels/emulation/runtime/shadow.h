// What the race checker remembers of memory: for each cell of it, who wrote it last and who has read it since.
#pragma once

#include "ordering.h"

#include <memory>
#include <vector>

namespace easel_emulation {

struct Cell {
    Moment write, read;
    // Where in the code: the lower 32 bits of the address. All code of kernels lies within 4 GiB.
    u32 write_code, read_code;
    // When this launch read it first: blocks that have ended are remembered by this.
    u32 first_read_epoch;
    // If several have read it in the epoch of `read`: a set of readers; 0 if there is none. With `common_set`, another
    // cell has the same one, and it is copied before anybody is added.
    u32 readers;
};
constexpr u32 common_set = 1u << 31;

// Cells are 4 bytes, unless somebody has accessed less of their page at a time.
class Shadow {
  public:
    explicit Shadow(size_t bytes) : pages((bytes + page_bytes - 1) / page_bytes) {}

    template <typename Visit> void visit(size_t offset, size_t bytes, const Visit& visit) {
        const size_t end = offset + bytes;
        while (offset < end) {
            Page& page = pages[offset / page_bytes];
            const size_t page_begin = offset / page_bytes * page_bytes;
            const size_t stop = end < page_begin + page_bytes ? end : page_begin + page_bytes;
            if (page.is_too_coarse(offset | stop)) page.refine(offset | stop);
            const u32 shift = page.shift;
            for (; offset < stop; offset += size_t{1} << shift) visit(page.cells[(offset - page_begin) >> shift]);
        }
    }
    void clear() {
        for (Page& page : pages) page = {};
    }

  private:
    static constexpr size_t page_bytes = 1024;

    struct Page {
        std::unique_ptr<Cell[]> cells;
        u32 shift = 2;

        // Whether a cell is cut by a boundary whose lowest bits are in `bounds`.
        bool is_too_coarse(size_t bounds) const { return cells == nullptr || (bounds & ((1u << shift) - 1)) != 0; }
        // Makes the cells so small that none is.
        void refine(size_t bounds);
    };
    std::vector<Page> pages;
};

// Bytes that all shadows take, to know when to drop them.
extern size_t shadow_bytes;

// Sets of threads that read a cell in the epoch that is under way.
class ReaderSets {
  public:
    void begin_epoch(u32 threads);
    // Adds to the set (0: to a new one); the set that it is now.
    u32 add(u32 set, const Moment& reader) {
        if ((set & common_set) != 0) set = copy(set & ~common_set);
        if (set != 0 && static_cast<u32>(words[set]) == reader.clock) {
            words[set + 1 + reader.thread / 64] |= u64{1} << reader.thread % 64;
            return set;
        }
        return add_to_other_part(set, reader);
    }
    // The first reader in the set that does not come before what the thread does now; false if all do.
    bool find_unordered(u32 set, u32 thread, u32 epoch, Moment& found) const;

  private:
    u32 add_to_other_part(u32 set, const Moment& reader);
    u32 copy(u32 set);

    // A set is a chain of parts; the readers of a part have the same clock. Words: clock and next part, then a bit for
    // each thread.
    std::vector<u64> words{0};
    u32 part_words = 1;
};

} // namespace easel_emulation
