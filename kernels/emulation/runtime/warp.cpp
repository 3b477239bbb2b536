#include "warp.h"

#include "ordering.h"
#include "scheduler.h"

namespace easel_emulation {

namespace {

// A collective that some of its lanes have come to.
struct Pending {
    u32 mask = 0;
    u32 arrived = 0;
    Collective operation{};
    Place place{};
    void* operands[32] = {};
};
// Groups of lanes of one warp may be at different collectives.
std::vector<std::vector<Pending>> warps;

const char* name_of(Collective operation) {
    switch (operation) {
    case Collective::synchronise: return "__syncwarp";
    case Collective::shuffle: return "a shuffle";
    case Collective::ballot: return "a vote";
    case Collective::load_matrix: return "load_matrix";
    case Collective::multiply: return "mma";
    }
    return "a warp's collective";
}

bool is_aligned(Collective operation) {
    return operation == Collective::load_matrix || operation == Collective::multiply;
}

void perform_shuffle(Pending& pending) {
    for (u32 lane = 0; lane < 32; lane++) {
        if ((pending.arrived >> lane & 1) == 0) continue;
        auto* operand = static_cast<ShuffleOperand*>(pending.operands[lane]);
        if ((pending.arrived >> operand->source & 1) == 0)
            fail(Code::launch_failed,
                 format("shuffle at %s: lane %u takes the value of lane %u, which does not take part",
                        describe(pending.place).c_str(), lane, operand->source));
        operand->result = static_cast<ShuffleOperand*>(pending.operands[operand->source])->value;
    }
}

void perform_ballot(Pending& pending) {
    u32 votes = 0;
    for (u32 lane = 0; lane < 32; lane++)
        if ((pending.arrived >> lane & 1) != 0 && static_cast<BallotOperand*>(pending.operands[lane])->predicate)
            votes |= 1u << lane;
    for (u32 lane = 0; lane < 32; lane++)
        if ((pending.arrived >> lane & 1) != 0) static_cast<BallotOperand*>(pending.operands[lane])->result = votes;
}

template <typename Operand> Operand* const (&operands_of(Pending& pending))[32] {
    return reinterpret_cast<Operand* const(&)[32]>(pending.operands);
}

void perform(Pending& pending, u32 warp) {
    if (is_aligned(pending.operation) && pending.arrived != 0xffffffffu)
        fail(Code::launch_failed, format("%s at %s: all 32 lanes must take part, those of mask 0x%08x do",
                                         name_of(pending.operation), describe(pending.place).c_str(), pending.arrived));
    switch (pending.operation) {
    case Collective::synchronise: order_warp(warp, pending.arrived); break;
    case Collective::shuffle: perform_shuffle(pending); break;
    case Collective::ballot: perform_ballot(pending); break;
    case Collective::load_matrix: perform_load_matrix(operands_of<LoadMatrixOperand>(pending), warp); break;
    case Collective::multiply: perform_multiply(operands_of<MultiplyOperand>(pending)); break;
    }
}

void wake(u32 warp, u32 lanes) {
    for (; lanes != 0; lanes &= lanes - 1)
        make_ready(block.threads[warp * 32 + static_cast<u32>(__builtin_ctz(lanes))]);
}

Pending& pending_of(u32 warp, u32 lane, u32 mask, Collective operation, Place place) {
    if ((mask >> lane & 1) == 0)
        fail(Code::launch_failed, format("%s at %s: the caller, lane %u, is not in its mask 0x%08x", name_of(operation),
                                         describe(place).c_str(), lane, mask));
    for (Pending& pending : warps[warp]) {
        if (pending.arrived == 0) continue;
        const bool same_place = !is_aligned(operation) || pending.place.line == place.line;
        if (pending.mask == mask && pending.operation == operation && same_place) return pending;
        // Lanes that this one waits for wait for it elsewhere.
        if ((pending.mask >> lane & 1) != 0 && (pending.arrived & mask) != 0)
            fail(Code::launch_failed,
                 format("divergent warp: lane %u is at %s, %s, with mask 0x%08x, while others wait at %s, %s, with "
                        "mask 0x%08x",
                        lane, name_of(operation), describe(place).c_str(), mask, name_of(pending.operation),
                        describe(pending.place).c_str(), pending.mask));
    }
    for (Pending& pending : warps[warp]) {
        if (pending.arrived != 0) continue;
        pending.mask = mask;
        pending.operation = operation;
        pending.place = place;
        return pending;
    }
    warps[warp].push_back({mask, 0, operation, place, {}});
    return warps[warp].back();
}

} // namespace

void reset_warps() {
    if (warps.size() < block.warps()) warps.resize(block.warps());
    for (auto& warp : warps)
        for (Pending& pending : warp) pending.arrived = 0;
}

void warp_after_exit(u32 warp) {
    const u32 live = block.live_lanes[warp];
    for (Pending& pending : warps[warp]) {
        if (pending.arrived == 0 || pending.arrived != (pending.mask & live)) continue;
        perform(pending, warp);
        wake(warp, pending.arrived);
        pending.arrived = 0;
    }
}

void collective(Collective operation, u32 mask, void* operand, Place place) {
    const Thread& thread = block.current();
    const u32 warp = thread.warp(), lane = thread.lane();
    Pending& pending = pending_of(warp, lane, mask, operation, place);
    pending.operands[lane] = operand;
    pending.arrived |= 1u << lane;
    if (pending.arrived != (mask & block.live_lanes[warp])) {
        wait(name_of(operation), place);
        return;
    }
    perform(pending, warp);
    const u32 others = pending.arrived & ~(1u << lane);
    pending.arrived = 0;
    wake(warp, others);
}

void synchronise_warp(u32 mask, Place place) { collective(Collective::synchronise, mask, nullptr, place); }

u64 shuffle(u32 mask, u64 value, u32 source_lane, Place place) {
    ShuffleOperand operand{value, source_lane & 31, 0};
    collective(Collective::shuffle, mask, &operand, place);
    return operand.result;
}

u32 ballot(u32 mask, bool predicate, Place place) {
    BallotOperand operand{predicate, 0};
    collective(Collective::ballot, mask, &operand, place);
    return operand.result;
}

} // namespace easel_emulation
