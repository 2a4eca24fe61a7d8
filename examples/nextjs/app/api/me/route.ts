import { currentUser } from "@/lib/authflow";

export async function GET() {
  const user = await currentUser();
  return Response.json({ user: user.id, email: user.email, role: user.role });
}
