// Package discovery is how the parties of a SCAMP bus find and trust each other: announcements and their signatures, the
// operator's list of authorised services, the directory that tells who offers an action, the cache file that a host's
// programs share, and the datagrams that fill it.
//
// Nothing here needs a running network. Verify reads and checks one announcement, Sign makes one. A Directory holds the
// announcements of live instances and answers who offers an action. Cache reads the cache file of this host into a
// Directory and keeps it up to date; Manager fills that file from the group. Announcer and Observer send and receive
// datagrams over any net.PacketConn.
//
// Whatever arrives is untrusted: it is bounded before it is worked on, a defect costs its own record and no other, and
// nothing is kept of a packet whose signature has not been checked (DISC-GEN).
package discovery
