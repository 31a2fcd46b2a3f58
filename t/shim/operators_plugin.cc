// C++ in a program that has none: whoever loads this has no C++ runtime.
#include <cstddef>
#include <new>

extern "C" int
plugin_fails()
{
    std::size_t huge = std::size_t(1) << 61;
    __asm__("" : "+r"(huge));
    try {
        ::operator delete(::operator new(huge));
    } catch (const std::bad_alloc &) {
        return ::operator new(huge, std::nothrow) == nullptr ? 42 : 1;
    }
    return 2;
}
