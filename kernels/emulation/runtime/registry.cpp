#include "registry.h"

#include <map>

namespace easel_emulation {

namespace {

struct Versions {
    const Kernel* plain = nullptr;
    const Kernel* instrumented = nullptr;
};

// Kernels announce themselves before any object of this file is sure to exist.
std::map<std::string, Versions>& table() {
    static std::map<std::string, Versions> versions;
    return versions;
}

} // namespace

void register_kernel(const Kernel& kernel) {
    Versions& versions = table()[kernel.name];
    (kernel.instrumented ? versions.instrumented : versions.plain) = new Kernel(kernel);
}

const Kernel* find_kernel(const std::string& name, bool instrumented) {
    const auto found = table().find(name);
    if (found == table().end()) return nullptr;
    const Versions& versions = found->second;
    const Kernel* wanted = instrumented ? versions.instrumented : versions.plain;
    return wanted != nullptr ? wanted : instrumented ? versions.plain : versions.instrumented;
}

std::vector<std::string> kernel_names() {
    std::vector<std::string> names;
    for (const auto& [name, versions] : table()) names.push_back(name);
    return names;
}

} // namespace easel_emulation
