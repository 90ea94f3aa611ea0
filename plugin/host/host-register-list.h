/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every field of every identification register that we name: register, name, high bit, low bit,
 * how it reads, meaning, what it is needed for. The one place where a bit position is written.
 *
 * Sources: VT-d, Linux 7.2 drivers/iommu/intel/iommu.h:157-218; AMD, Linux 7.2
 * drivers/iommu/amd/amd_iommu_types.h:88-119; SMMUv3, Linux 7.2
 * drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.h:22-80 and, for fields that Linux does not use, QEMU
 * 11.1 include/hw/arm/smmuv3-common.h:275-339; AIDR, Arm IHI 0070.
 */
/* clang-format off */
#define HOST_FIELD_LIST(FIELD) \
    FIELD(CAP, ND, 2, 0, DOMAINS, "domain ids", NULL) \
    FIELD(CAP, AFL, 3, 3, FLAG, "advanced fault logging", NULL) \
    FIELD(CAP, RWBF, 4, 4, FLAG, "write buffers must be flushed by hand", NULL) \
    FIELD(CAP, PLMR, 5, 5, FLAG, "protected low memory region", NULL) \
    FIELD(CAP, PHMR, 6, 6, FLAG, "protected high memory region", NULL) \
    FIELD(CAP, CM, 7, 7, FLAG, "caching mode: this IOMMU is itself virtual", NULL) \
    FIELD(CAP, SAGAW, 12, 8, SAGAW, "widths of second-stage tables", "shadow and nested") \
    FIELD(CAP, MGAW, 21, 16, PLUS1, "bits of address that it takes at most", "shadow and nested") \
    FIELD(CAP, ZLR, 22, 22, FLAG, "zero-length reads of write-only pages", NULL) \
    FIELD(CAP, FRO, 33, 24, TIMES16, "offset of the fault records, bytes", NULL) \
    FIELD(CAP, SSLPS, 37, 34, LARGE, "second-stage large pages", NULL) \
    FIELD(CAP, PSI, 39, 39, FLAG, "page-selective invalidation", NULL) \
    FIELD(CAP, NFR, 47, 40, PLUS1, "fault records", NULL) \
    FIELD(CAP, MAMV, 53, 48, NUMBER, "largest address mask of an invalidation", NULL) \
    FIELD(CAP, DWD, 54, 54, FLAG, "writes are drained at an invalidation", NULL) \
    FIELD(CAP, DRD, 55, 55, FLAG, "reads are drained at an invalidation", NULL) \
    FIELD(CAP, FS1GP, 56, 56, FLAG, "first-stage pages of 1 GiB", "fs1gp of a nested vIOMMU") \
    FIELD(CAP, PI, 59, 59, FLAG, "posted interrupts", NULL) \
    FIELD(CAP, FS5LP, 60, 60, FLAG, "first-stage tables of five levels", NULL) \
    FIELD(CAP, ECMDS, 61, 61, FLAG, "enhanced commands", NULL) \
    FIELD(CAP, ESIRTPS, 62, 62, FLAG, "setting the interrupt table invalidates by itself", NULL) \
    FIELD(CAP, ESRTPS, 63, 63, FLAG, "setting the root table invalidates by itself", NULL) \
    FIELD(ECAP, C, 0, 0, FLAG, "coherent walks of legacy tables", NULL) \
    FIELD(ECAP, QI, 1, 1, FLAG, "queued invalidation", NULL) \
    FIELD(ECAP, DT, 2, 2, FLAG, "device TLBs", "ATS") \
    FIELD(ECAP, IR, 3, 3, FLAG, "interrupt remapping", "isolated MSI") \
    FIELD(ECAP, EIM, 4, 4, FLAG, "extended interrupt mode (x2APIC)", NULL) \
    FIELD(ECAP, PT, 6, 6, FLAG, "pass-through", NULL) \
    FIELD(ECAP, SC, 7, 7, FLAG, "snoop control", "enforced cache coherency") \
    FIELD(ECAP, IRO, 17, 8, TIMES16, "offset of the IOTLB registers, bytes", NULL) \
    FIELD(ECAP, MHMV, 23, 20, NUMBER, "largest handle mask of an interrupt invalidation", NULL) \
    FIELD(ECAP, MTS, 25, 25, FLAG, "memory types", NULL) \
    FIELD(ECAP, NEST, 26, 26, FLAG, "nested translation", "nested") \
    FIELD(ECAP, DIS, 27, 27, FLAG, "deferred invalidation (obsolete)", NULL) \
    FIELD(ECAP, PRS, 29, 29, FLAG, "page requests", "PRI") \
    FIELD(ECAP, ERS, 30, 30, FLAG, "execute requests", NULL) \
    FIELD(ECAP, SRS, 31, 31, FLAG, "supervisor requests", NULL) \
    FIELD(ECAP, NWFS, 33, 33, FLAG, "the no-write flag of a device TLB", NULL) \
    FIELD(ECAP, EAFS, 34, 34, FLAG, "extended accessed flag", NULL) \
    FIELD(ECAP, PSS, 39, 35, PLUS1, "bits of a PASID, where PASID is set", "PASID width") \
    FIELD(ECAP, PASID, 40, 40, FLAG, "PASIDs", "PASIDs") \
    FIELD(ECAP, DIT, 41, 41, FLAG, "device TLB invalidations are throttled", NULL) \
    FIELD(ECAP, PDS, 42, 42, FLAG, "page requests are drained", "PRI") \
    FIELD(ECAP, SMTS, 43, 43, FLAG, "scalable mode", "nested and PASIDs") \
    FIELD(ECAP, VCS, 44, 44, FLAG, "virtual commands", NULL) \
    FIELD(ECAP, SSADS, 45, 45, FLAG, "second-stage accessed and dirty bits", "dirty tracking") \
    FIELD(ECAP, SSTS, 46, 46, FLAG, "second stage in scalable mode", "nested") \
    FIELD(ECAP, FSTS, 47, 47, FLAG, "first stage", "nested") \
    FIELD(ECAP, SMPWC, 48, 48, FLAG, "coherent walks in scalable mode", "dirty tracking and SVA") \
    FIELD(ECAP, RPS, 49, 49, FLAG, "a PASID for requests without one", NULL) \
    FIELD(ECAP, PMS, 51, 51, FLAG, "performance monitoring", NULL) \
    FIELD(EFR, PreFSup, 0, 0, FLAG, "prefetch of pages", NULL) \
    FIELD(EFR, PPRSup, 1, 1, FLAG, "peripheral page requests", "PRI and PASIDs") \
    FIELD(EFR, XTSup, 2, 2, FLAG, "x2APIC", NULL) \
    FIELD(EFR, NXSup, 3, 3, FLAG, "no-execute pages", NULL) \
    FIELD(EFR, GTSup, 4, 4, FLAG, "guest translation", "nested and PASIDs") \
    FIELD(EFR, IASup, 6, 6, FLAG, "invalidation of everything at once", NULL) \
    FIELD(EFR, GASup, 7, 7, FLAG, "guest virtual APIC", NULL) \
    FIELD(EFR, HESup, 8, 8, FLAG, "registers of hardware errors", NULL) \
    FIELD(EFR, PCSup, 9, 9, FLAG, "performance counters", NULL) \
    FIELD(EFR, HATS, 11, 10, HATS, "bits of address of host tables", "shadow") \
    FIELD(EFR, GATS, 13, 12, GATS, "levels of guest tables", "nested") \
    FIELD(EFR, GLXSup, 15, 14, PLUS1, "levels of the table of guest tables", "PASID width") \
    FIELD(EFR, GAMSup, 23, 21, NUMBER, "modes of the guest virtual APIC", NULL) \
    FIELD(EFR, PASmax, 36, 32, PLUS1, "bits of a PASID", "PASID width") \
    FIELD(EFR, GIoSup, 48, 48, FLAG, "guest I/O protection", "nested and PASIDs") \
    FIELD(EFR, HASup, 49, 49, FLAG, "accessed bits in host tables", NULL) \
    FIELD(EFR, EPHSup, 50, 50, FLAG, "enhanced handling of page requests", "PASIDs") \
    FIELD(EFR, HDSup, 52, 52, FLAG, "dirty bits in host tables", "dirty tracking") \
    FIELD(EFR, vIOMMU, 55, 55, FLAG, "virtual IOMMU in hardware (Linux 7.2 does not use it)", NULL) \
    FIELD(EFR, SNPSup, 63, 63, FLAG, "SEV-SNP", NULL) \
    FIELD(EFR2, SEVSNPIOSup, 1, 1, FLAG, "I/O of SEV-SNP guests", NULL) \
    FIELD(EFR2, GCR3TRPMode, 3, 3, FLAG, "guest table roots are guest addresses", "nested") \
    FIELD(EFR2, SNPAVICSup, 7, 5, NUMBER, "modes of the guest virtual APIC under SNP", NULL) \
    FIELD(EFR2, NumIntRemapSup, 9, 8, NUMBER, "interrupts that a device can have remapped (code)", NULL) \
    FIELD(EFR2, HtRangeIgnore, 11, 11, FLAG, "no hole of HyperTransport addresses below 1 TiB", NULL) \
    FIELD(IDR0, S2P, 0, 0, FLAG, "stage 2", "nested") \
    FIELD(IDR0, S1P, 1, 1, FLAG, "stage 1", "nested") \
    FIELD(IDR0, TTF, 3, 2, TTF, "table formats", "nested") \
    FIELD(IDR0, COHACC, 4, 4, FLAG, "coherent walks", NULL) \
    FIELD(IDR0, BTM, 5, 5, FLAG, "broadcast TLB maintenance", NULL) \
    FIELD(IDR0, HTTU, 7, 6, HTTU, "flags of tables that it updates", "dirty tracking") \
    FIELD(IDR0, DORMHINT, 8, 8, FLAG, "dormant hint", NULL) \
    FIELD(IDR0, HYP, 9, 9, FLAG, "hypervisor stage 1", NULL) \
    FIELD(IDR0, ATS, 10, 10, FLAG, "ATS", "ATS") \
    FIELD(IDR0, NS1ATS, 11, 11, FLAG, "no stage 1 alone by ATS", NULL) \
    FIELD(IDR0, ASID16, 12, 12, FLAG, "address space ids of 16 bits", NULL) \
    FIELD(IDR0, MSI, 13, 13, FLAG, "signals by MSI", NULL) \
    FIELD(IDR0, SEV, 14, 14, FLAG, "wakes by event", NULL) \
    FIELD(IDR0, ATOS, 15, 15, FLAG, "address translation operations", NULL) \
    FIELD(IDR0, PRI, 16, 16, FLAG, "page requests", "PRI") \
    FIELD(IDR0, VMW, 17, 17, FLAG, "wildcard matching of VMIDs", NULL) \
    FIELD(IDR0, VMID16, 18, 18, FLAG, "VM ids of 16 bits", NULL) \
    FIELD(IDR0, CD2L, 19, 19, FLAG, "context tables of two levels", NULL) \
    FIELD(IDR0, VATOS, 20, 20, FLAG, "virtual address translation operations", NULL) \
    FIELD(IDR0, TTENDIAN, 22, 21, TTENDIAN, "byte order of tables", "nested") \
    FIELD(IDR0, ATSRECERR, 23, 23, FLAG, "records errors of ATS", NULL) \
    FIELD(IDR0, STALL_MODEL, 25, 24, STALL, "what a fault does to a transaction", NULL) \
    FIELD(IDR0, TERM_MODEL, 26, 26, FLAG, "a terminated transaction always aborts", NULL) \
    FIELD(IDR0, ST_LEVEL, 28, 27, LEVEL, "levels of the stream table", "nested") \
    FIELD(IDR0, RME_IMPL, 30, 30, FLAG, "realms", NULL) \
    FIELD(IDR1, SIDSIZE, 5, 0, NUMBER, "bits of a stream id", "nested") \
    FIELD(IDR1, SSIDSIZE, 10, 6, NUMBER, "bits of a substream id (PASID)", "PASID width") \
    FIELD(IDR1, PRIQS, 15, 11, POWER, "entries of the page request queue", NULL) \
    FIELD(IDR1, EVENTQS, 20, 16, POWER, "entries of the event queue", NULL) \
    FIELD(IDR1, CMDQS, 25, 21, POWER, "entries of the command queue", NULL) \
    FIELD(IDR1, ATTR_PERMS_OVR, 26, 26, FLAG, "permissions can be overridden", NULL) \
    FIELD(IDR1, ATTR_TYPES_OVR, 27, 27, FLAG, "memory types can be overridden", NULL) \
    FIELD(IDR1, REL, 28, 28, FLAG, "base addresses of queues are relative", NULL) \
    FIELD(IDR1, QUEUES_PRESET, 29, 29, FLAG, "queues are at fixed addresses", NULL) \
    FIELD(IDR1, TABLES_PRESET, 30, 30, FLAG, "tables are at fixed addresses", NULL) \
    FIELD(IDR1, ECMDQ, 31, 31, FLAG, "enhanced command queues", NULL) \
    FIELD(IDR2, BA_VATOS, 9, 0, NUMBER, "page of the virtual translation operations", NULL) \
    FIELD(IDR3, HAD, 2, 2, FLAG, "hierarchical attributes can be switched off", NULL) \
    FIELD(IDR3, PBHA, 3, 3, FLAG, "page-based hardware attributes", NULL) \
    FIELD(IDR3, XNX, 4, 4, FLAG, "execute-never by exception level", NULL) \
    FIELD(IDR3, PPS, 5, 5, FLAG, "PASIDs in answers to page requests", NULL) \
    FIELD(IDR3, MPAM, 7, 7, FLAG, "memory partitioning", NULL) \
    FIELD(IDR3, FWB, 8, 8, FLAG, "stage 2 can force write-back (S2FWB)", "nested") \
    FIELD(IDR3, STT, 9, 9, FLAG, "small translation tables", NULL) \
    FIELD(IDR3, RIL, 10, 10, FLAG, "invalidation of ranges", "ril of a nested vIOMMU") \
    FIELD(IDR3, BBML, 12, 11, BBML, "changes of page size without break-before-make", NULL) \
    FIELD(IDR3, E0PD, 13, 13, FLAG, "unprivileged accesses can be kept out", NULL) \
    FIELD(IDR3, PTWNNC, 14, 14, FLAG, "table walks are never non-cacheable", NULL) \
    FIELD(IDR3, DPT, 15, 15, FLAG, "device permission table", NULL) \
    FIELD(IDR4, IMPL, 31, 0, HEX, "of the implementation", NULL) \
    FIELD(IDR5, OAS, 2, 0, OAS, "bits of output address", "nested (44 or more)") \
    FIELD(IDR5, GRAN4K, 4, 4, FLAG, "pages of 4 KiB", "nested") \
    FIELD(IDR5, GRAN16K, 5, 5, FLAG, "pages of 16 KiB", "nested") \
    FIELD(IDR5, GRAN64K, 6, 6, FLAG, "pages of 64 KiB", "nested") \
    FIELD(IDR5, DS, 7, 7, FLAG, "addresses of 52 bits with small pages", NULL) \
    FIELD(IDR5, VAX, 11, 10, VAX, "bits of virtual address", NULL) \
    FIELD(IDR5, STALL_MAX, 31, 16, NUMBER, "transactions that can be stalled", NULL) \
    FIELD(IIDR, Implementer, 11, 0, HEX, "JEP106 code of the maker (0x43b: Arm)", NULL) \
    FIELD(IIDR, Revision, 15, 12, NUMBER, "minor revision", NULL) \
    FIELD(IIDR, Variant, 19, 16, NUMBER, "major revision", NULL) \
    FIELD(IIDR, ProductID, 31, 20, HEX, "product", NULL) \
    FIELD(AIDR, ArchMinorRev, 3, 0, NUMBER, "architecture 3.x", NULL) \
    FIELD(AIDR, ArchMajorRev, 7, 4, NUMBER, "architecture: 0 is SMMUv3", NULL)
/* clang-format on */
