// All twenty operators new and delete, called by their names: OBJECT is the
// file that has to have them. Speaks TAP.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include <dlfcn.h>
#include <sys/resource.h>

extern "C" int mallctl(const char *, void *, size_t *, void *, size_t)
    __attribute__((weak));
extern "C" size_t malloc_usable_size(void *);

static int count, failures;

static void
ok(bool good, const char *name)
{
    failures += !good;
    std::printf("%sok %d - %s\n", good ? "" : "not ", ++count, name);
}

// Sizes are looked up when the compiler can no longer see them.
template <typename T>
static T
opaque(T x)
{
    __asm__("" : "+r"(x));
    return x;
}

static const char *const names[] = {"_Znwm",
                                    "_ZnwmRKSt9nothrow_t",
                                    "_ZnwmSt11align_val_t",
                                    "_ZnwmSt11align_val_tRKSt9nothrow_t",
                                    "_Znam",
                                    "_ZnamRKSt9nothrow_t",
                                    "_ZnamSt11align_val_t",
                                    "_ZnamSt11align_val_tRKSt9nothrow_t",
                                    "_ZdlPv",
                                    "_ZdlPvRKSt9nothrow_t",
                                    "_ZdlPvSt11align_val_t",
                                    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
                                    "_ZdlPvm",
                                    "_ZdlPvmSt11align_val_t",
                                    "_ZdaPv",
                                    "_ZdaPvRKSt9nothrow_t",
                                    "_ZdaPvSt11align_val_t",
                                    "_ZdaPvSt11align_val_tRKSt9nothrow_t",
                                    "_ZdaPvm",
                                    "_ZdaPvmSt11align_val_t"};

static void
test_names(const char *object)
{
    for (const char *name : names) {
        Dl_info info;
        void *at = dlsym(RTLD_DEFAULT, name);
        bool good = at != nullptr && dladdr(at, &info) != 0 &&
                    std::strstr(info.dli_fname, object) != nullptr;
        char text[128];
        std::snprintf(text, sizeof(text), "%s is of %s", name, object);
        ok(good, text);
    }
}

// ---- what they do --------------------------------------------------------

static std::uint64_t
thread_bytes(const char *name)
{
    std::uint64_t bytes = 0;
    size_t size = sizeof(bytes);
    return mallctl(name, &bytes, &size, nullptr, 0) == 0 ? bytes : 0;
}

// A block of this allocator?
static bool
is_known(void *p)
{
    unsigned arena;
    size_t size = sizeof(arena);
    return p != nullptr &&
           mallctl("arenas.lookup", &arena, &size, &p, sizeof(p)) == 0;
}

enum Alignment : std::size_t { none = 0, line = 64, pages = 65536 };

template <typename New, typename Delete>
static void
test_pair(const char *name, std::size_t alignment, New make, Delete unmake)
{
    static const std::size_t sizes[] = {0,    1,     8,      100,
                                        4000, 20000, 100000, 5000000};
    bool good = true;
    for (std::size_t size : sizes) {
        std::uint64_t before = thread_bytes("thread.allocated");
        void *p = make(opaque(size));
        good = good && is_known(p) &&
               (alignment == none ||
                reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
        if (p == nullptr) {
            continue;
        }
        std::size_t usable = malloc_usable_size(p);
        good = good && usable >= size &&
               thread_bytes("thread.allocated") == before + usable;
        std::memset(p, 0x11, size);
        before = thread_bytes("thread.deallocated");
        unmake(p, opaque(size));
        good = good && thread_bytes("thread.deallocated") == before + usable;
    }
    ok(good, name);
}

using Size = std::size_t;
using Align = std::align_val_t;
static const std::nothrow_t &quiet = std::nothrow;

static void
test_plain()
{
    test_pair(
        "new, delete", none, [](Size n) { return ::operator new(n); },
        [](void *p, Size) { ::operator delete(p); });
    test_pair(
        "new, sized delete", none, [](Size n) { return ::operator new(n); },
        [](void *p, Size n) { ::operator delete(p, n); });
    test_pair(
        "nothrow new, nothrow delete", none,
        [](Size n) { return ::operator new(n, quiet); },
        [](void *p, Size) { ::operator delete(p, quiet); });
    test_pair(
        "new[], delete[]", none, [](Size n) { return ::operator new[](n); },
        [](void *p, Size) { ::operator delete[](p); });
    test_pair(
        "new[], sized delete[]", none,
        [](Size n) { return ::operator new[](n); },
        [](void *p, Size n) { ::operator delete[](p, n); });
    test_pair(
        "nothrow new[], nothrow delete[]", none,
        [](Size n) { return ::operator new[](n, quiet); },
        [](void *p, Size) { ::operator delete[](p, quiet); });
    test_pair(
        "malloc, delete", none, [](Size n) { return std::malloc(n); },
        [](void *p, Size) { ::operator delete(p); });
    test_pair(
        "new, free", none, [](Size n) { return ::operator new(n); },
        [](void *p, Size) { std::free(p); });
}

template <Size a>
static void
test_aligned()
{
    std::printf("# aligned to %zu\n", a);
    test_pair(
        "aligned new, delete", a,
        [](Size n) { return ::operator new(n, Align(a)); },
        [](void *p, Size) { ::operator delete(p, Align(a)); });
    test_pair(
        "aligned new, sized delete", a,
        [](Size n) { return ::operator new(n, Align(a)); },
        [](void *p, Size n) { ::operator delete(p, n, Align(a)); });
    test_pair(
        "aligned nothrow new, delete", a,
        [](Size n) { return ::operator new(n, Align(a), quiet); },
        [](void *p, Size) { ::operator delete(p, Align(a), quiet); });
    test_pair(
        "aligned new[], delete[]", a,
        [](Size n) { return ::operator new[](n, Align(a)); },
        [](void *p, Size) { ::operator delete[](p, Align(a)); });
    test_pair(
        "aligned new[], sized delete[]", a,
        [](Size n) { return ::operator new[](n, Align(a)); },
        [](void *p, Size n) { ::operator delete[](p, n, Align(a)); });
    test_pair(
        "aligned nothrow new[], delete[]", a,
        [](Size n) { return ::operator new[](n, Align(a), quiet); },
        [](void *p, Size) { ::operator delete[](p, Align(a), quiet); });
}

// ---- no memory -----------------------------------------------------------

static const Size huge = Size(1) << 61;

template <typename New>
static bool
throws_bad_alloc(New make)
{
    try {
        (void)make();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

static void
test_failure()
{
    ok(throws_bad_alloc([] { return ::operator new(opaque(huge)); }),
       "new throws std::bad_alloc");
    ok(throws_bad_alloc([] { return ::operator new[](opaque(huge)); }),
       "new[] does");
    ok(throws_bad_alloc([] { return ::operator new(opaque(huge), Align(64)); }),
       "aligned new does");
    ok(throws_bad_alloc(
           [] { return ::operator new[](opaque(huge), Align(64)); }),
       "aligned new[] does");
    ok(throws_bad_alloc([] { return ::operator new(8, opaque(Align(3))); }),
       "an alignment that is none does");
    ok(::operator new(opaque(huge), quiet) == nullptr, "nothrow new is null");
    ok(::operator new[](opaque(huge), quiet) == nullptr,
       "nothrow new[] is null");
    ok(::operator new(opaque(huge), Align(64), quiet) == nullptr,
       "aligned nothrow new is null");
    ok(::operator new[](opaque(huge), Align(64), quiet) == nullptr,
       "aligned nothrow new[] is null");
    ok(throws_bad_alloc([] { return new char[opaque(huge)]; }),
       "an expression throws");
}

static int calls;

static void
give_up_third_time()
{
    if (++calls == 3) {
        std::set_new_handler(nullptr);
    }
}

template <typename New>
static void
test_handler(const char *name, New make)
{
    calls = 0;
    std::set_new_handler(give_up_third_time);
    bool failed = throws_bad_alloc([&] {
        void *p = make();
        if (p == nullptr) {
            throw std::bad_alloc();
        }
        return p;
    });
    ok(failed && calls == 3, name);
    std::set_new_handler(nullptr);
}

struct Mine {
    int value;
};

static void
throw_mine()
{
    calls++;
    throw Mine{42};
}

template <typename New>
static void
test_thrown(const char *name, bool is_swallowed, New make)
{
    calls = 0;
    int got = 0;
    void *p = &got;
    std::set_new_handler(throw_mine);
    try {
        p = make();
    } catch (const Mine &mine) {
        got = mine.value;
    }
    std::set_new_handler(nullptr);
    ok(calls == 1 && (is_swallowed ? p == nullptr && got == 0 : got == 42) &&
           std::uncaught_exceptions() == 0,
       name);
}

// What a handler of the nothrow forms throws has to be a bad_alloc.
static void
throw_bad_alloc()
{
    calls++;
    throw std::bad_alloc();
}

template <typename New>
static void
test_swallowed(const char *name, New make)
{
    calls = 0;
    std::set_new_handler(throw_bad_alloc);
    void *p = make();
    std::set_new_handler(nullptr);
    ok(calls == 1 && p == nullptr && std::uncaught_exceptions() == 0, name);
}

static void
test_handlers()
{
    auto plain = [] { return ::operator new(opaque(huge)); };
    auto array = [] { return ::operator new[](opaque(huge)); };
    auto aligned = [] { return ::operator new(opaque(huge), Align(64)); };
    auto aligned_array = [] {
        return ::operator new[](opaque(huge), Align(64));
    };
    auto silent = [] { return ::operator new(opaque(huge), quiet); };
    auto silent_array = [] { return ::operator new[](opaque(huge), quiet); };
    auto silent_aligned = [] {
        return ::operator new(opaque(huge), Align(64), quiet);
    };
    auto silent_aligned_array = [] {
        return ::operator new[](opaque(huge), Align(64), quiet);
    };
    test_handler("new calls the handler until there is none", plain);
    test_handler("so does new[]", array);
    test_handler("so does aligned new", aligned);
    test_handler("so does aligned new[]", aligned_array);
    test_handler("so does nothrow new", silent);
    test_handler("so does nothrow new[]", silent_array);
    test_handler("so does aligned nothrow new", silent_aligned);
    test_handler("so does aligned nothrow new[]", silent_aligned_array);
    test_thrown("what the handler throws passes through new", false, plain);
    test_thrown("through new[]", false, array);
    test_thrown("through aligned new", false, aligned);
    test_thrown("through aligned new[]", false, aligned_array);
    test_swallowed("and ends in nothrow new", silent);
    test_swallowed("in nothrow new[]", silent_array);
    test_swallowed("in aligned nothrow new", silent_aligned);
    test_swallowed("in aligned nothrow new[]", silent_aligned_array);
    test_thrown("anything else ends there, too", true, silent);
    test_thrown("in nothrow new[], too", true, silent_array);
}

static void *reserve;

static void
free_reserve()
{
    calls++;
    ::operator delete(reserve);
    reserve = nullptr;
    std::set_new_handler(nullptr);
    rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
}

static void
test_limit()
{
    rlimit limit;
    getrlimit(RLIMIT_AS, &limit);
    limit.rlim_cur = Size(1) << 30;
    setrlimit(RLIMIT_AS, &limit);
    const Size much = Size(3) << 30;
    ok(throws_bad_alloc([=] { return ::operator new(opaque(much)); }),
       "beyond the limit of address space new throws");
    int caught = 0;
    void *chain = nullptr;
    try {
        for (;;) {
            void **p = static_cast<void **>(::operator new(1 << 20));
            *p = chain;
            chain = p;
        }
    } catch (const std::bad_alloc &) {
        caught = 1;
    }
    while (chain != nullptr) {
        void *next = *static_cast<void **>(chain);
        ::operator delete(chain);
        chain = next;
    }
    ok(caught == 1, "memory that runs out piece by piece is an exception");
    ok(is_known(chain = ::operator new(100 << 20)), "and can be had again");
    ::operator delete(chain);

    calls = 0;
    reserve = ::operator new(1000);
    std::set_new_handler(free_reserve);
    void *p = ::operator new(opaque(much));
    ok(is_known(p) && calls == 1, "a handler that finds memory helps");
    ::operator delete(p);
}

int
main(int argc, char **argv)
{
    if (argc > 2 && std::strcmp(argv[2], "fail") == 0) {
        return ::operator new(opaque(huge), quiet) == nullptr;
    }
    if (argc > 2 && std::strcmp(argv[2], "wrong-size") == 0) {
        ::operator delete(::operator new(100), opaque(Size(500)));
        return 0;
    }
    test_names(argc > 1 ? argv[1] : "libjemalloc.so.2");
    if (mallctl == nullptr) {
        std::printf("Bail out! no mallctl\n");
        return 1;
    }
    test_plain();
    test_aligned<line>();
    test_aligned<pages>();
    test_failure();
    test_handlers();
    test_limit();
    std::printf("1..%d\n", count);
    return failures != 0;
}
