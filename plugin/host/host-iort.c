/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-iort.h"

#include <string.h>

/* Offsets of Arm DEN0049 as Linux 7.2 include/acpi/actbl2.h has them. */
#define HEADER_SIZE      48
#define NODE_SIZE        16
#define MAPPING_SIZE     20
#define NODE_RC          2
#define NODE_SMMUV3      4
#define RC_MEMORY_FLAGS  (NODE_SIZE + 7)
#define MF_CANWBS        (1U << 2)
#define MAPPING_SMMU_REF 12

typedef struct {
    const guint8 *bytes;
    gsize length;
} Table;

static guint64
get(const Table *table, gsize offset, guint size)
{
    guint64 value = 0;

    for (guint i = size; i-- > 0;)
        value = value << 8 | table->bytes[offset + i];
    return value;
}

/* Length of the node at @offset; 0: it does not fit */
static gsize
node_length(const Table *table, gsize offset)
{
    gsize length;

    if (offset > table->length || table->length - offset < NODE_SIZE)
        return 0;
    length = get(table, offset + 1, 2);
    return length >= NODE_SIZE && length <= table->length - offset ? length : 0;
}

static gboolean
is_smmu(const Table *table, gsize offset, guint64 base)
{
    return node_length(table, offset) >= NODE_SIZE + 8 && table->bytes[offset] == NODE_SMMUV3 &&
           get(table, offset + NODE_SIZE, 8) == base;
}

/* Whether an ID mapping of the root complex at @offset ends at the SMMU with @base. */
static gboolean
leads_to(const Table *table, gsize offset, guint64 base)
{
    gsize length = node_length(table, offset);
    gsize count = get(table, offset + 8, 4), first = get(table, offset + 12, 4);

    if (first > length || count > (length - first) / MAPPING_SIZE)
        return FALSE;
    for (gsize i = 0; i < count; i++) {
        gsize mapping = offset + first + i * MAPPING_SIZE;

        if (is_smmu(table, get(table, mapping + MAPPING_SMMU_REF, 4), base))
            return TRUE;
    }
    return FALSE;
}

BaseTri
host_iort_canwbs(const guint8 *bytes, gsize length, guint64 base)
{
    Table table = {bytes, length};
    gsize count, offset;
    gboolean with = FALSE, without = FALSE;

    if (length < HEADER_SIZE || memcmp(bytes, "IORT", 4) != 0)
        return BASE_UNKNOWN;
    table.length = MIN(length, get(&table, 4, 4));
    if (table.length < HEADER_SIZE)
        return BASE_UNKNOWN;
    count = get(&table, 36, 4);
    offset = get(&table, 40, 4);
    for (gsize i = 0; i < count; i++) {
        gsize size = node_length(&table, offset);

        if (size == 0)
            return BASE_UNKNOWN;
        if (bytes[offset] == NODE_RC && size > RC_MEMORY_FLAGS && leads_to(&table, offset, base)) {
            gboolean flag = (bytes[offset + RC_MEMORY_FLAGS] & MF_CANWBS) != 0;

            with = with || flag;
            without = without || !flag;
        }
        offset += size;
    }
    if (with == without)
        return BASE_UNKNOWN;
    return base_tri(with);
}
