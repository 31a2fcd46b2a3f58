/*
 * Short-lived small objects: an interpreter that evaluates big-number
 * expressions.
 *
 * One thread keeps a shallow stack of temporaries of 8 to 128 bytes, most of
 * them freed soon after they were made and nearly in reverse order; now and
 * then a tree of a hundred nodes is built, walked and taken down again.
 * The live memory is tiny: what is measured is the shortest path of malloc
 * and free.
 */
#include "bench.h"

#define STACK_MAX  64
#define TREE_NODES 100

typedef struct temporary {
    void *ptr;
    size_t size;
} temporary_t;

typedef struct node {
    struct node *left;
    struct node *right;
    uint64_t key;
} node_t;

/* Most are small, as limbs of numbers and cells of lists are. */
static size_t
temporary_size(uint64_t bits)
{
    static const uint8_t sizes[16] = {8,  16, 16, 16, 24, 24, 24, 32,
                                      32, 32, 40, 48, 48, 64, 80, 120};

    return sizes[bits & 15] + (bits >> 4 & 7);
}

static node_t *
tree_insert(node_t *root, uint64_t key)
{
    node_t **link = &root;
    node_t *node;

    while (*link != NULL)
        link = key < (*link)->key ? &(*link)->left : &(*link)->right;
    node = bench_malloc(sizeof(*node));
    *node = (node_t){.key = key};
    *link = node;
    return root;
}

/* Free a tree in key order; its nodes must come out sorted. */
static uint64_t
tree_free(node_t *root, uint64_t last)
{
    node_t *right;

    if (root == NULL)
        return last;
    last = tree_free(root->left, last);
    if (root->key < last)
        bench_damaged(root, sizeof(*root));
    last = root->key;
    right = root->right;
    free(root);
    return tree_free(right, last);
}

static void
evaluate_tree(bench_rng_t *rng)
{
    node_t *root = NULL;

    for (unsigned i = 0; i < TREE_NODES; i++)
        root = tree_insert(root, bench_next(rng));
    tree_free(root, 0);
}

static void
pop(temporary_t *stack, unsigned *top, uint64_t bits)
{
    unsigned at = *top - 1;

    /* One in sixteen is not the youngest. */
    if ((bits & 15) == 0)
        at = (unsigned)(bits >> 8 & 0xff) % *top;
    bench_free(stack[at].ptr, stack[at].size);
    stack[at] = stack[--*top];
}

/* Runs of a few temporaries come and go, as a call makes and drops them. */
static uint64_t
evaluate(bench_rng_t *rng, uint64_t calls)
{
    temporary_t stack[STACK_MAX];
    unsigned top = 0;
    uint64_t made = 0;

    for (uint64_t i = 0; i < calls; i++) {
        uint64_t bits = bench_next(rng);
        unsigned come = 2 + (bits >> 60 & 7), go = 2 + (bits >> 57 & 7);

        for (; come > 0 && top < STACK_MAX; come--, made++) {
            size_t size = temporary_size(bits >> (come * 4));
            stack[top++] = (temporary_t){bench_new(size), size};
        }
        for (; go > 0 && top > 0; go--)
            pop(stack, &top, bits >> go);
    }
    while (top > 0)
        pop(stack, &top, 1);
    return made;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"rounds", 3000, "times 2000 calls and one tree"},
        {"seed", 1, "of the random numbers"},
        {NULL, 0, NULL},
    };
    bench_rng_t rng;
    uint64_t rounds, made = 0;

    bench_init(argc, argv, "smallobj", params);
    rng.state = bench_get("seed");
    rounds = bench_work(bench_get("rounds"), 1);
    for (uint64_t i = 0; i < rounds; i++) {
        made += evaluate(&rng, 2000);
        evaluate_tree(&rng);
        made += TREE_NODES;
    }
    return bench_done(made);
}
