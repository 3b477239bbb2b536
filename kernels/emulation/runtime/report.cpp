#include "report.h"

#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <vector>

namespace easel_emulation {

std::string format(const char* text, ...) {
    va_list arguments;
    va_start(arguments, text);
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(nullptr, 0, text, arguments);
    va_end(arguments);
    std::string result(length > 0 ? static_cast<size_t>(length) : 0, '\0');
    vsnprintf(result.data(), result.size() + 1, text, again);
    va_end(again);
    return result;
}

std::string describe(Place place) {
    const char* name = strrchr(place.file, '/');
    return format("%s:%d", name == nullptr ? place.file : name + 1, place.line);
}

namespace {

// The lines of a program's output.
std::vector<std::string> output_of(const std::string& command) {
    std::vector<std::string> lines;
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return lines;
    char line[4096];
    while (fgets(line, sizeof line, pipe) != nullptr) {
        line[strcspn(line, "\n")] = '\0';
        lines.emplace_back(line);
    }
    pclose(pipe);
    return lines;
}

// "gemm.cu:12" of "/…/gemm.cu:12 (discriminator 3)"; empty if the line is not known.
std::string without_folders(const std::string& line) {
    const size_t slash = line.rfind('/'), end = line.find(' ');
    if (line.find('?') != std::string::npos) return "";
    return line.substr(slash == std::string::npos ? 0 : slash + 1,
                       end == std::string::npos ? end : end - (slash == std::string::npos ? 0 : slash + 1));
}

} // namespace

// binutils' addr2line knows the lines. Where there is none, the name of the function and a distance must do.
std::string describe_code(const void* instruction) {
    Dl_info info;
    if (dladdr(instruction, &info) == 0 || info.dli_fname == nullptr) return format("%p", instruction);
    // The call before the address that it returns to.
    const size_t offset =
        static_cast<size_t>(static_cast<const char*>(instruction) - static_cast<const char*>(info.dli_fbase)) - 1;
    for (const std::string& line :
         output_of(format("addr2line -i -e '%s' 0x%zx 2>/dev/null", info.dli_fname, offset))) {
        // Functions of the header are shown as the place that calls them.
        if (line.find("/include/easel/emulation/") != std::string::npos) continue;
        const std::string place = without_folders(line);
        if (!place.empty()) return place;
    }
    return format("%s+0x%zx", info.dli_sname == nullptr ? info.dli_fname : info.dli_sname, offset);
}

} // namespace easel_emulation
