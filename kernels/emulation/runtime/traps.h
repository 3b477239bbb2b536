// Accesses that the operating system refuses: the ends of stacks, and wild pointers where accesses are not checked.
#pragma once

namespace easel_emulation {

// While it lives, such an access of a kernel ends the launch, and not the process.
class Traps {
  public:
    Traps();
    ~Traps();
    Traps(const Traps&) = delete;
    Traps& operator=(const Traps&) = delete;
};

} // namespace easel_emulation
