// Error codes and their stories.
#include "driver.h"

namespace easel_emulation::driver {

std::string last_story;
int broken = 0;

int failure(Code code, std::string story) {
    last_story = std::move(story);
    return static_cast<int>(code);
}

namespace {

struct Text {
    Code code;
    const char *name, *text;
};
constexpr Text texts[] = {
    {Code::success, "CUDA_SUCCESS", "no error"},
    {Code::invalid_value, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {Code::out_of_memory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {Code::not_initialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {Code::deinitialized, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {Code::no_device, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {Code::invalid_device, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {Code::invalid_image, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {Code::invalid_context, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {Code::no_binary_for_gpu, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {Code::invalid_handle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {Code::illegal_state, "CUDA_ERROR_ILLEGAL_STATE", "the operation cannot be performed in the present state"},
    {Code::not_found, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {Code::not_ready, "CUDA_ERROR_NOT_READY", "device not ready"},
    {Code::illegal_address, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {Code::launch_out_of_resources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {Code::misaligned_address, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {Code::launch_failed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {Code::not_permitted, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
    {Code::not_supported, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {Code::capture_unsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {Code::capture_invalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {Code::graph_exec_update_failure, "CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE", "the graph update was not performed"},
};

const Text* find(int code) {
    for (const Text& text : texts)
        if (static_cast<int>(text.code) == code) return &text;
    return nullptr;
}

} // namespace

CUDA_FUNCTION cuGetErrorName(int code, const char** name) {
    const Text* text = find(code);
    *name = text == nullptr ? nullptr : text->name;
    return static_cast<int>(text == nullptr ? Code::invalid_value : Code::success);
}

CUDA_FUNCTION cuGetErrorString(int code, const char** string) {
    const Text* text = find(code);
    *string = text == nullptr ? nullptr : text->text;
    return static_cast<int>(text == nullptr ? Code::invalid_value : Code::success);
}

} // namespace easel_emulation::driver
