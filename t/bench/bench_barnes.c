/*
 * The shape of barnes (the hierarchical n-body solver of the SPLASH programs;
 * Barnes and Hut, A Hierarchical O(N log N) Force-calculation Algorithm, Nature
 * 1986): much arithmetic, few allocations.
 *
 * In each step the bodies are put into a tree of space, in which a cell has
 * eight parts and a leaf at most ten bodies; cells and leaves are taken from
 * blocks of some KiB, all of which are freed when the step is over. The
 * customary input is 163840 bodies, three steps, a cell is opened when it is
 * wider than its distance, one thread. What the program measures of an
 * allocator is where the blocks lie and what they cost when they are new.
 */
#include "bench.h"

#include <math.h>

#define AXES        3
#define LEAF_BODIES 10
#define BLOCK_CELLS 8
#define DEPTH_MAX   60

#define OPENING   1.0
#define SOFTENING 0.05
#define STEP_TIME 0.025

typedef struct body {
    double mass;
    double at[AXES];
    double speed[AXES];
    double pull[AXES];
} body_t;

typedef struct cell {
    double mass;
    double at[AXES]; /* centre of its mass */
    double half;     /* of its width */
    uint32_t count;  /* of the bodies of a leaf */
    bool is_leaf;

    union {
        struct cell *parts[8];
        body_t *bodies[LEAF_BODIES];
    };
} cell_t;

/* Its first and last word are the stamp. */
typedef struct block {
    uint64_t stamp;
    struct block *next;
    unsigned used;
    cell_t cells[BLOCK_CELLS];
    uint64_t stamp_end;
} block_t;

static block_t *blocks;
static uint64_t made;

static cell_t *
cell_new(double half)
{
    cell_t *cell;

    if (blocks == NULL || blocks->used == BLOCK_CELLS) {
        block_t *block = bench_new(sizeof(*block));

        block->next = blocks;
        block->used = 0;
        blocks = block;
        made++;
    }
    cell = &blocks->cells[blocks->used++];
    memset(cell, 0, sizeof(*cell));
    cell->half = half;
    cell->is_leaf = true;
    return cell;
}

static void
free_blocks(void)
{
    while (blocks != NULL) {
        block_t *next = blocks->next;

        bench_free(blocks, sizeof(*blocks));
        blocks = next;
    }
}

/* Which of the eight parts around `centre`; that is moved into the part. */
static unsigned
part_of(const body_t *body, double *centre, double half)
{
    unsigned part = 0;

    for (unsigned i = 0; i < AXES; i++) {
        bool is_above = body->at[i] >= centre[i];

        part |= (unsigned)is_above << i;
        centre[i] += is_above ? half / 2 : -half / 2;
    }
    return part;
}

static void
insert(cell_t *cell, body_t *body, const double *middle, unsigned depth)
{
    double centre[AXES];
    unsigned part;

    if (cell->is_leaf && cell->count < LEAF_BODIES) {
        cell->bodies[cell->count++] = body;
        return;
    }
    if (depth > DEPTH_MAX)
        bench_die("bodies in one place: memory was damaged");
    if (cell->is_leaf) {
        body_t *bodies[LEAF_BODIES];

        memcpy(bodies, cell->bodies, sizeof(bodies));
        memset(cell->parts, 0, sizeof(cell->parts));
        cell->is_leaf = false;
        for (unsigned i = 0; i < LEAF_BODIES; i++)
            insert(cell, bodies[i], middle, depth);
    }
    memcpy(centre, middle, sizeof(centre));
    part = part_of(body, centre, cell->half);
    if (cell->parts[part] == NULL)
        cell->parts[part] = cell_new(cell->half / 2);
    insert(cell->parts[part], body, centre, depth + 1);
}

/* Add up the masses; returns the bodies below. */
static uint32_t
sum_up(cell_t *cell)
{
    uint32_t count = 0;

    for (unsigned i = 0; i < (cell->is_leaf ? cell->count : 8); i++) {
        const double *at;
        double mass;

        if (!cell->is_leaf && cell->parts[i] == NULL)
            continue;
        count += cell->is_leaf ? 1 : sum_up(cell->parts[i]);
        mass = cell->is_leaf ? cell->bodies[i]->mass : cell->parts[i]->mass;
        at = cell->is_leaf ? cell->bodies[i]->at : cell->parts[i]->at;
        cell->mass += mass;
        for (unsigned j = 0; j < AXES; j++)
            cell->at[j] += mass * at[j];
    }
    for (unsigned j = 0; j < AXES; j++)
        cell->at[j] /= cell->mass;
    return count;
}

static void
attract(body_t *body, double mass, const double *at)
{
    double way[AXES], square = SOFTENING * SOFTENING, factor;

    for (unsigned i = 0; i < AXES; i++) {
        way[i] = at[i] - body->at[i];
        square += way[i] * way[i];
    }
    factor = mass / (square * sqrt(square));
    for (unsigned i = 0; i < AXES; i++)
        body->pull[i] += factor * way[i];
}

static void
gravity(body_t *body, const cell_t *cell)
{
    double square = 0, width = 2 * cell->half;

    if (cell->is_leaf) {
        for (unsigned i = 0; i < cell->count; i++) {
            if (cell->bodies[i] != body)
                attract(body, cell->bodies[i]->mass, cell->bodies[i]->at);
        }
        return;
    }
    for (unsigned i = 0; i < AXES; i++)
        square += (cell->at[i] - body->at[i]) * (cell->at[i] - body->at[i]);
    if (width * width < square * OPENING * OPENING) {
        attract(body, cell->mass, cell->at);
        return;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (cell->parts[i] != NULL)
            gravity(body, cell->parts[i]);
    }
}

static void
step(body_t *bodies, uint32_t count)
{
    static const double middle[AXES];
    double half = 1;
    cell_t *root;

    for (uint32_t i = 0; i < count; i++) {
        for (unsigned j = 0; j < AXES; j++)
            half = JE_MAX(half, fabs(bodies[i].at[j]));
    }
    root = cell_new(half * 1.01);
    for (uint32_t i = 0; i < count; i++)
        insert(root, &bodies[i], middle, 0);
    if (sum_up(root) != count || fabs(root->mass - 1) > 1e-6)
        bench_die("a tree without all bodies: memory was damaged");
    for (uint32_t i = 0; i < count; i++) {
        body_t *body = &bodies[i];

        memset(body->pull, 0, sizeof(body->pull));
        gravity(body, root);
        for (unsigned j = 0; j < AXES; j++) {
            body->speed[j] += body->pull[j] * STEP_TIME;
            body->at[j] += body->speed[j] * STEP_TIME;
        }
    }
    free_blocks();
}

static double
fraction(bench_rng_t *rng)
{
    return (double)(bench_next(rng) >> 11) / (double)(UINT64_C(1) << 53);
}

/* Plummer's model of a cluster of stars, at rest. */
static body_t *
make_bodies(uint32_t count, bench_rng_t *rng)
{
    body_t *bodies = bench_array(count, sizeof(*bodies));

    for (uint32_t i = 0; i < count; i++) {
        double part = 0.001 + 0.99 * fraction(rng);
        double radius = 1 / sqrt(pow(part, -2.0 / 3) - 1);
        double height = 2 * fraction(rng) - 1;
        double angle = 6.283185307179586 * fraction(rng);
        double flat = sqrt(1 - height * height);

        bodies[i].mass = 1.0 / count;
        bodies[i].at[0] = radius * flat * cos(angle);
        bodies[i].at[1] = radius * flat * sin(angle);
        bodies[i].at[2] = radius * height;
    }
    return bodies;
}

int
main(int argc, char **argv)
{
    bench_param_t params[] = {
        {"bodies", 16384, "that attract each other"},
        {"steps", 3, "of time, each with a tree of its own"},
        {"seed", 123, "of the random numbers"},
        {NULL, 0, NULL},
    };
    uint32_t count;
    bench_rng_t rng;
    body_t *bodies;

    bench_init(argc, argv, "barnes", params);
    count = (uint32_t)bench_work(bench_get("bodies"), 100);
    rng.state = bench_get("seed");
    bodies = make_bodies(count, &rng);
    for (uint64_t i = 0; i < bench_get("steps"); i++)
        step(bodies, count);
    free(bodies);
    return bench_done(made);
}
