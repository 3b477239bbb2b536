#include "traps.h"

#include "block.h"
#include "device_memory.h"
#include "shared_memory.h"

#include <csignal>
#include <cstring>
#include <pthread.h>
#include <ucontext.h>

namespace easel_emulation {

namespace {

constexpr int signals[] = {SIGSEGV, SIGBUS};
struct sigaction before[2];
pthread_t launching_thread;

// What the handler hands to the code that runs after it.
const void* refused_address;
const void* refused_code;

// The fiber's own stack may be full.
alignas(64) char emergency_stack[64 * 1024];

[[noreturn]] void tell() {
    const Thread& thread = block.current();
    const std::string code = describe_code(static_cast<const char*>(refused_code) + 1);
    if (thread.stack.guards(refused_address))
        fail(Code::launch_failed, format("the thread's stack of %zu bytes overflows at ", thread.stack.bytes) + code);
    const std::string shared = describe_shared(refused_address);
    fail(Code::illegal_address,
         "illegal access at " + code + ": " + (shared.empty() ? describe_device_address(refused_address) : shared));
}

void handle(int signal, siginfo_t* info, void* interrupted) {
    if (!block.is_running || pthread_equal(launching_thread, pthread_self()) == 0) {
        // Not ours: it happens again, and meets who was here before.
        sigaction(signal, &before[signal == SIGSEGV ? 0 : 1], nullptr);
        return;
    }
    auto& registers = static_cast<ucontext_t*>(interrupted)->uc_mcontext;
    refused_address = info->si_addr;
    char* top = emergency_stack + sizeof emergency_stack;
#if defined(__x86_64__)
    refused_code = reinterpret_cast<const void*>(registers.gregs[REG_RIP]);
    registers.gregs[REG_RIP] = reinterpret_cast<greg_t>(tell);
    registers.gregs[REG_RSP] = reinterpret_cast<greg_t>(top - 8); // as after a call
#elif defined(__aarch64__)
    refused_code = reinterpret_cast<const void*>(registers.pc);
    registers.pc = reinterpret_cast<unsigned long long>(tell);
    registers.sp = reinterpret_cast<unsigned long long>(top);
#endif
}

// A handler cannot run on a stack that is full.
void provide_signal_stack() {
    stack_t present;
    if (sigaltstack(nullptr, &present) == 0 && (present.ss_flags & SS_DISABLE) == 0) return;
    static thread_local char memory[64 * 1024];
    stack_t provided{};
    provided.ss_sp = memory;
    provided.ss_size = sizeof memory;
    sigaltstack(&provided, nullptr);
}

} // namespace

Traps::Traps() {
    provide_signal_stack();
    launching_thread = pthread_self();
    struct sigaction action{};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 2; i++) sigaction(signals[i], &action, &before[i]);
}

Traps::~Traps() {
    for (int i = 0; i < 2; i++) sigaction(signals[i], &before[i], nullptr);
}

} // namespace easel_emulation
