// A program with operators of its own: those that it leaves out are made of
// them. Speaks TAP.
#include <cstdio>
#include <cstdlib>
#include <new>

enum { MARK = 0x5ca1ab1e, HEAD = 64 };

static int made, freed;

// The block begins with a mark, so a foreign free of it, or a free of a
// foreign block, is seen.
static void *
own_new(std::size_t size)
{
    if (size > (std::size_t(1) << 40)) {
        throw std::bad_alloc();
    }
    char *p = static_cast<char *>(
        std::aligned_alloc(HEAD, (HEAD + size + HEAD - 1) / HEAD * HEAD));
    if (p == nullptr) {
        throw std::bad_alloc();
    }
    *reinterpret_cast<int *>(p) = MARK;
    made++;
    return p + HEAD;
}

static void
own_delete(void *p)
{
    if (p == nullptr) {
        return;
    }
    char *start = static_cast<char *>(p) - HEAD;
    if (*reinterpret_cast<int *>(start) != MARK) {
        std::printf("not ok - delete of a block of another\n");
        std::abort();
    }
    freed++;
    std::free(start);
}

void *
operator new(std::size_t size)
{
    return own_new(size);
}

void
operator delete(void *p) noexcept
{
    own_delete(p);
}

#ifdef WITH_ALIGNED
void *
operator new(std::size_t size, std::align_val_t)
{
    return own_new(size);
}

void
operator delete(void *p, std::align_val_t) noexcept
{
    own_delete(p);
}
#endif

static int count, failures;

template <typename New, typename Delete>
static void
test_pair(const char *name, New make, Delete unmake)
{
    made = freed = 0;
    void *p = make();
    int at_first = freed;
    unmake(p);
    bool good = p != nullptr && made == 1 && at_first == 0 && freed == 1;
    failures += !good;
    std::printf("%sok %d - %s\n", good ? "" : "not ", ++count, name);
}

int
main()
{
    using Align = std::align_val_t;
    const std::nothrow_t &quiet = std::nothrow;
    (void)quiet;
    test_pair(
        "new and delete are its own", [] { return ::operator new(10); },
        [](void *p) { ::operator delete(p); });
    test_pair(
        "new[] and delete[] are made of them",
        [] { return ::operator new[](10); },
        [](void *p) { ::operator delete[](p); });
    test_pair(
        "so are the sized ones", [] { return ::operator new(10); },
        [](void *p) { ::operator delete(p, 10); });
    test_pair(
        "for arrays, too", [] { return ::operator new[](10); },
        [](void *p) { ::operator delete[](p, 10); });
    test_pair(
        "and those that do not throw",
        [] { return ::operator new(10, std::nothrow); },
        [](void *p) { ::operator delete(p, std::nothrow); });
    test_pair(
        "for arrays, too", [] { return ::operator new[](10, std::nothrow); },
        [](void *p) { ::operator delete[](p, std::nothrow); });
#ifdef WITH_ALIGNED
    test_pair(
        "aligned ones, too", [] { return ::operator new(10, Align(64)); },
        [](void *p) { ::operator delete(p, Align(64)); });
    test_pair(
        "aligned arrays", [] { return ::operator new[](10, Align(64)); },
        [](void *p) { ::operator delete[](p, Align(64)); });
    test_pair(
        "aligned and sized", [] { return ::operator new(10, Align(64)); },
        [](void *p) { ::operator delete(p, 10, Align(64)); });
    test_pair(
        "aligned and sized arrays",
        [] { return ::operator new[](10, Align(64)); },
        [](void *p) { ::operator delete[](p, 10, Align(64)); });
    test_pair(
        "aligned without exceptions",
        [] { return ::operator new(10, Align(64), std::nothrow); },
        [](void *p) { ::operator delete(p, Align(64), std::nothrow); });
    test_pair(
        "aligned arrays without exceptions",
        [] { return ::operator new[](10, Align(64), std::nothrow); },
        [](void *p) { ::operator delete[](p, Align(64), std::nothrow); });
#endif
    bool silent = ::operator new(std::size_t(1) << 50, std::nothrow) ==
                  nullptr && ::operator new[](std::size_t(1) << 50,
                                              std::nothrow) == nullptr;
    failures += !silent;
    std::printf("%sok %d - what its own throw ends in nothrow\n",
                silent ? "" : "not ", ++count);
    std::printf("1..%d\n", count);
    return failures != 0;
}
