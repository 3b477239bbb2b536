// What src/lib.rs asks of the library.
#include "driver.h"

#include "../checker.h"
#include "../device_memory.h"
#include "../registry.h"

#include <algorithm>
#include <cstring>

namespace easel_emulation::driver {

namespace {

// Copies as much of the text as fits; its whole length.
size_t copy_text(const std::string& text, char* buffer, size_t capacity) {
    memcpy(buffer, text.data(), std::min(text.size(), capacity));
    return text.size();
}

} // namespace

extern "C" __attribute__((visibility("default"))) void easel_emulation_configure(const Settings* wanted) {
    const Lock lock(mutex());
    settings = *wanted;
    checks = settings.check != 0;
    set_memory_total(settings.memory_bytes);
    broken = 0;
    last_story.clear();
    launches.clear();
}

extern "C" __attribute__((visibility("default"))) size_t easel_emulation_report(char* buffer, size_t capacity) {
    const Lock lock(mutex());
    return copy_text(last_story, buffer, capacity);
}

extern "C" __attribute__((visibility("default"))) size_t easel_emulation_launch_count() {
    const Lock lock(mutex());
    return launches.size();
}

// `shape`: grid, block, bytes of dynamic shared memory.
extern "C" __attribute__((visibility("default"))) size_t easel_emulation_launch(size_t index, char* name,
                                                                                size_t capacity, u32 (*shape)[7]) {
    const Lock lock(mutex());
    if (index >= launches.size()) return 0;
    const LaunchRecord& record = launches[index];
    const u32 numbers[7] = {record.grid.x,  record.grid.y,  record.grid.z,      record.block.x,
                            record.block.y, record.block.z, record.shared_bytes};
    memcpy(*shape, numbers, sizeof numbers);
    return copy_text(record.kernel, name, capacity);
}

extern "C" __attribute__((visibility("default"))) void easel_emulation_forget_launches() {
    const Lock lock(mutex());
    launches.clear();
}

extern "C" __attribute__((visibility("default"))) size_t easel_emulation_kernel_names(char* buffer, size_t capacity) {
    const Lock lock(mutex());
    std::string all;
    for (const std::string& name : kernel_names()) all += name + "\n";
    return copy_text(all, buffer, capacity);
}

} // namespace easel_emulation::driver
